# Ce que la passerelle dit aux gens. Les mêmes clés, dans le même ordre, qu'en « en ».

## Réponses aux messages qui ne partent pas par radio

refused-too-long = Non envoyé : le texte fait { $octets } octets et un message radio en porte au plus { $max }. Envoyez-le en plusieurs parties.
refused-unknown-recipient = Non envoyé : aucun appareil radio n'a cette adresse. La liste des services de la passerelle montre ceux qui existent.
refused-to-gateway = Non envoyé : ceci est la passerelle elle-même. Écrivez à l'un des appareils radio de vos contacts.
refused-not-listed = Non envoyé : la passerelle ne connaît pas votre compte. Demandez à la personne qui s'en occupe de vous ajouter.
refused-encrypted = Non envoyé : un appareil radio ne peut pas lire les messages chiffrés par votre application. Désactivez le chiffrement (OMEMO ou OpenPGP) pour ce contact et renvoyez le message ; la radio chiffre de son côté.
refused-file = Non envoyé : les fichiers, images et messages vocaux ne passent pas par radio. Écrivez-le en texte.
refused-retraction = Un message parti par radio ne peut pas être retiré.
refused-room = Les conversations de groupe ne passent pas par radio. Écrivez à un seul appareil radio.
refused-queue-full = Non envoyé : trop de messages attendent déjà la radio. Réessayez plus tard.
refused-expired = Non livré : l'appareil radio n'a pas été entendu à temps. Renvoyez le message s'il est encore utile.
refused-failed = Non livré : la radio n'a pas pu transmettre le message. Renvoyez-le.

## Présence

presence-never-heard = jamais entendu
presence-heard-now = entendu à l'instant
presence-heard-minutes = entendu il y a { $minutes } min
presence-heard-hours = entendu il y a { $hours } h
presence-heard-days = entendu il y a { $days } { $days ->
    [one] jour
   *[other] jours
}
presence-snr = RSB { $db } dB
presence-waiting = { $count } { $count ->
    [one] message
   *[other] messages
} en attente
