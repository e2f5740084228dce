# Ce que la passerelle dit aux gens. Les mêmes clés, dans le même ordre, qu'en « en ».

## Réponses aux messages qui ne partent pas par radio

refused-too-long = Non envoyé : le texte fait { $octets } octets et un message par radio en compte au plus { $max }. Envoyez-le en plusieurs parties.
refused-unknown-recipient = Non envoyé : aucun portatif n'a cette adresse. La liste des services de la passerelle montre ceux qui existent.
refused-to-gateway = Non envoyé : ceci est la passerelle elle-même. Écrivez à l'un des portatifs de vos contacts.
refused-not-listed = Non envoyé : la passerelle ne connaît pas votre compte. Demandez à la personne qui s'en occupe de vous ajouter.
refused-encrypted = Non envoyé : un portatif ne peut pas lire les messages chiffrés par votre application. Désactivez le chiffrement (OMEMO ou OpenPGP) pour ce contact et renvoyez le message ; la radio chiffre de son côté.
refused-file = Non envoyé : les fichiers, images et messages vocaux ne passent pas par radio. Écrivez-le en texte.
refused-retraction = Un message parti par radio ne peut pas être retiré.
refused-room = Les conversations de groupe ne passent pas par radio. Écrivez à un seul portatif.
refused-queue-full = Non envoyé : trop de messages attendent déjà la radio. Réessayez plus tard.
refused-too-many-urgent = Pas envoyé : huit de vos messages urgents attendent déjà la radio. Attendez qu’ils soient arrivés, ou envoyez-le sans « !! ».
refused-expired = Abandonné : aucun reçu du portatif à temps. Il a peut-être quand même le texte. Demandez, ou renvoyez le message s'il est encore utile.
refused-failed = Non livré : la radio n'a pas pu transmettre le message. Renvoyez-le.

## Textes venus des ondes

urgent-text = URGENCE :

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

## Ce qui ne va pas : quoi, ce que cela veut dire, que faire

fault-unreadable = le fichier de réglages est illisible ({ $reason }).
fault-unreadable-means = La passerelle ne sait pas comment démarrer.
fault-unreadable-todo = Vérifiez le chemin donné à --config et les droits du fichier.
fault-syntax = ce réglage n'est pas compris : { $detail }
fault-syntax-means = Un nom est mal écrit, un réglage manque, ou le fichier n'est pas du TOML.
fault-syntax-todo = Corrigez cette ligne ; la liste des réglages est dans docs/operations.md.
fault-language = « { $found } » n'est pas une langue de la passerelle.
fault-language-means = Elle parle français et anglais.
fault-language-todo = Écrivez language = "fr" ou language = "en".
fault-not-loopback = « { $found } » n'est pas une adresse de cette machine avec un port.
fault-not-loopback-means = La liaison avec le serveur XMPP n'est pas chiffrée : elle ne doit pas quitter la machine, et aucun nom n'est cherché sur le réseau.
fault-not-loopback-todo = Écrivez server = "127.0.0.1:5347", ou le port où le serveur attend ses composants.
fault-domain = « { $found } » ne peut pas être un domaine XMPP.
fault-domain-means = Les portatifs reçoivent leurs adresses de ce domaine.
fault-domain-todo = Donnez le domaine du composant, tel que le serveur le connaît, par exemple radio.fanal.lan.
fault-one-secret = il faut secret ou secret_file, l'un des deux et pas les deux.
fault-one-secret-means = Sans secret partagé, le serveur XMPP refuse la passerelle.
fault-one-secret-todo = Gardez de préférence secret_file, avec un fichier que seule la passerelle peut lire.
fault-short-secret = le secret n'a que { $found } caractères ; il en faut 32.
fault-short-secret-means = Un secret court se devine.
fault-short-secret-todo = Faites-en un avec « fanal key new FICHIER » et donnez le même au serveur XMPP.
fault-open-secret = tout le monde sur cette machine peut lire { $path }.
fault-open-secret-means = Ce fichier contient un secret.
fault-open-secret-todo = Faites « chmod o= { $path } », puis changez le secret si d'autres ont pu le lire.
fault-unreadable-secret = { $path } est illisible ({ $reason }).
fault-unreadable-secret-means = La passerelle a besoin du secret qu'il contient.
fault-unreadable-secret-todo = Vérifiez le chemin et les droits ; « fanal key new FICHIER » fait une clé neuve.
fault-key-file = { $path } ne contient pas une clé de { $digits } chiffres hexadécimaux.
fault-key-file-means = La clé est abîmée, ou ce n'est pas le bon fichier.
fault-key-file-todo = Remettez la copie de sauvegarde, ou faites une clé neuve avec « fanal key new » ; une clé neuve oblige à jumeler de nouveau les portatifs.
fault-public-key = ceci n'est pas une clé publique de { $digits } chiffres hexadécimaux.
fault-public-key-means = Sans la bonne clé, le portatif et la passerelle ne se comprennent pas.
fault-public-key-todo = Recopiez ce que le portatif répond à /key.
fault-node = « { $found } » n'est pas une adresse radio.
fault-node-means = Une adresse radio est faite de quatre chiffres hexadécimaux, de 0001 à fffe.
fault-node-todo = Choisissez une adresse libre, par exemple 0201, et gardez les guillemets.
fault-region = « { $found } » n'est pas une région connue.
fault-region-means = La région décide de ce que la loi permet d'émettre.
fault-region-todo = Écrivez CA, US ou EU, selon l'endroit où se trouve la radio.
fault-rate = « { $found } » n'est pas un débit LoRa.
fault-rate-means = Toutes les radios d'une communauté ont le même débit.
fault-rate-todo = Écrivez par exemple SF9/500, ou enlevez la ligne pour le débit de la région.
fault-unlawful-band = cette fréquence est hors des bandes de la région.
fault-unlawful-band-means = La loi interdit d'y émettre.
fault-unlawful-band-todo = Vérifiez la région.
fault-unlawful-bandwidth = une largeur de { $khz } kHz est interdite sur cette fréquence.
fault-unlawful-bandwidth-means = La loi interdit d'y émettre ainsi.
fault-unlawful-bandwidth-todo = Choisissez un débit de la région, ou enlevez rate.
fault-unlawful-hopping = une largeur de { $khz } kHz exige ici de sauter entre au moins { $channels } canaux.
fault-unlawful-hopping-means = La passerelle reste sur un canal ; la loi lui interdit cette largeur.
fault-unlawful-hopping-todo = Choisissez un débit de la région, ou enlevez rate.
fault-unlawful-power = la puissance dépasse les { $max } dBm permis.
fault-unlawful-power-means = La loi interdit d'émettre si fort.
fault-unlawful-power-todo = Mettez power_dbm à { $max } ou moins.
fault-baud = { $found } n'est pas une vitesse de port série.
fault-baud-means = La passerelle et le modem doivent parler à la même vitesse.
fault-baud-todo = Écrivez baud = 115200, ou enlevez la ligne.
fault-jid = « { $found } » n'est pas l'adresse d'un compte XMPP.
fault-jid-means = Chaque personne est désignée par son compte, sans appareil.
fault-jid-todo = Écrivez par exemple alice@fanal.lan.
fault-node-taken = l'adresse radio { $node } est déjà prise par { $by }.
fault-node-taken-means = Deux stations avec la même adresse recevraient chacune les messages de l'autre.
fault-node-taken-todo = Donnez une autre adresse à l'une des deux.
fault-name-taken = « { $name } » y est déjà, pour { $by }.
fault-name-taken-means = Les majuscules ne distinguent pas deux adresses XMPP.
fault-name-taken-todo = Donnez un autre nom à l'un des deux, ou enlevez l'entrée en double.
fault-key-taken = cette clé publique est déjà celle de { $by }.
fault-key-taken-means = Deux portatifs avec la même clé : l'un est une copie de l'autre, ou la clé a été recopiée deux fois.
fault-key-taken-todo = Faites une clé neuve sur l'un des portatifs avec /key new, ou recopiez la bonne clé.
fault-weak-key = cette clé publique est faible.
fault-weak-key-means = Elle ne protégerait aucun message ; aucun portatif n'en fait de telles.
fault-weak-key-todo = Recopiez ce que le portatif répond à /key.
fault-own-domain = { $jid } est dans le domaine de la passerelle elle-même.
fault-own-domain-means = Ce domaine est celui des portatifs ; les comptes des personnes sont sur le serveur.
fault-own-domain-todo = Donnez le compte de la personne, par exemple alice@fanal.lan.
fault-no-person = { $jid } désigne un serveur, pas une personne.
fault-no-person-means = Chaque personne est désignée par son compte.
fault-no-person-todo = Écrivez par exemple alice@fanal.lan.
fault-name-unusable = ce nom ne peut pas servir.
fault-name-unusable-means = Un nom a de 1 à 48 caractères, tous visibles.
fault-name-unusable-todo = Choisissez un nom que les gens peuvent lire et écrire.
fault-too-many = il y a trop de personnes et de portatifs.
fault-too-many-means = Une passerelle sert au plus { $max } paires d'une personne et d'un portatif.
fault-too-many-todo = Enlevez des entrées, ou partagez-les entre deux passerelles.
fault-store-in-use = la base { $path } est déjà utilisée.
fault-store-in-use-means = Une autre passerelle tourne avec les mêmes messages.
fault-store-in-use-todo = Arrêtez-la d'abord, ou donnez à celle-ci une autre base.
fault-store-damaged = la base { $path } est abîmée ({ $report }).
fault-store-damaged-means = Les messages en attente pourraient être faux ; la passerelle ne devine pas.
fault-store-damaged-todo = Mettez ce fichier de côté : la passerelle en commence un neuf, et les messages qui attendaient sont perdus. Examinez le disque.
fault-store-too-new = la base { $path } vient d'une version plus récente ({ $found } ; celle-ci connaît { $known }).
fault-store-too-new-means = Cette version ne sait pas la lire sans perte.
fault-store-too-new-todo = Installez la version plus récente de fanal.
fault-store-library = la bibliothèque SQLite { $found } est trop ancienne.
fault-store-library-means = Elle peut abîmer la base ; il faut 3.51.3 ou plus.
fault-store-library-todo = Recompilez fanal avec la bibliothèque fournie.
fault-store-open = la base { $path } ne s'ouvre pas ({ $reason }).
fault-store-open-means = Sans elle, aucun message n'est gardé.
fault-store-open-todo = Vérifiez que le dossier existe, que la passerelle peut y écrire, et qu'il reste de la place.
fault-store-failed = la base ne répond plus ({ $reason }).
fault-store-failed-means = Rien n'est promis qui ne soit pas écrit ; la passerelle s'arrête et reprendra où elle en était.
fault-store-failed-todo = Si cela se répète, examinez le disque et la place qui reste.
fault-system = le système refuse : { $what } ({ $reason }).
fault-system-means = La passerelle ne peut pas travailler sans cela.
fault-system-todo = Vérifiez les droits et les limites de la machine ; le superviseur réessaiera.
fault-ended = une partie de la passerelle s'est arrêtée : { $part }.
fault-ended-means = C'est un défaut du programme. Ce qui était promis est gardé.
fault-ended-todo = Le superviseur la redémarre ; signalez-le, avec le journal.
fault-key-exists = { $path } existe déjà.
fault-key-exists-means = L'écraser perdrait une clé, et tous les portatifs seraient à jumeler de nouveau.
fault-key-exists-todo = Choisissez un autre nom, ou déplacez d'abord l'ancien fichier.
fault-key-unwritten = { $path } ne s'écrit pas ({ $reason }).
fault-key-unwritten-means = Aucune clé n'a été faite.
fault-key-unwritten-todo = Vérifiez que le dossier existe et que vous pouvez y écrire.
fault-other-key = { $name } a une autre clé dans les réglages.
fault-other-key-means = Si { $name } n'a pas fait de nouvelle clé, quelqu'un se fait passer pour { $name }.
fault-other-key-todo = Demandez à { $name } de vive voix ; si la clé est nouvelle, ajoutez --replace.
fault-unusual-settings = on ne peut rien ajouter à { $path }.
fault-unusual-settings-means = Les portatifs y sont écrits d'une façon que le programme ne sait pas continuer.
fault-unusual-settings-todo = Écrivez-les comme [[handheld]], l'un après l'autre, puis reprenez la carte.
fault-settings-unwritten = { $path } ne peut pas être écrit ({ $reason }).
fault-settings-unwritten-means = Les réglages sont restés tels quels.
fault-settings-unwritten-todo = Vérifiez que vous pouvez écrire dans ce dossier et qu'il y a de la place.
fault-no-code = ceci n'est pas un code.
fault-no-code-means = La carte d'un portatif commence par FANAL:CARD/.
fault-no-code-todo = Copiez ce que le portatif montre après /jumeler.
fault-code-version = ce code est de version { $found }.
fault-code-version-means = Une version plus récente de Fanal l'a fait ; celle-ci ne sait pas le lire.
fault-code-version-todo = Mettez ce programme à jour.
fault-code-damaged = le code est abîmé.
fault-code-damaged-means = Un caractère est faux, manque ou est de trop ; rien n'a changé.
fault-code-damaged-todo = Copiez-le ou numérisez-le de nouveau, jusqu'au bout.
fault-code-of-gateway = ceci est le code d'une passerelle.
fault-code-of-gateway-means = Une passerelle prend les cartes des portatifs ; son propre code est pour eux.
fault-code-of-gateway-todo = Sur le portatif : /jumeler et ce code ; prenez ensuite la carte qu'il montre.
fault-no-name = le portatif n'a pas de nom.
fault-no-name-means = La carte ne nomme personne, et le contact n'aurait pas d'adresse dans les applications.
fault-no-name-todo = Ajoutez --name Rosa.
fault-no-persons = il n'y a aucune personne dans les réglages.
fault-no-persons-means = Un portatif n'aurait personne à qui écrire.
fault-no-persons-todo = Ajoutez une [[person]] ; docs/operations.md montre comment.
fault-unknown-handheld = il n'y a pas de portatif { $name }.
fault-unknown-handheld-means = Seuls les portatifs des réglages peuvent être comparés.
fault-unknown-handheld-todo = Vérifiez le nom, ou prenez d'abord la carte de ce portatif.
fault-node-for-gateways = { $node } est une adresse de passerelle.
fault-node-for-gateways-means = Les adresses qui finissent par 0 sont celles des maisons ; on y porterait les textes des autres.
fault-node-for-gateways-todo = Choisissez-en une qui finit autrement, ou n'ajoutez pas --node.
fault-scenario-unreadable = le scénario ne se lit pas ({ $reason }).
fault-scenario-unreadable-means = Rien n'a été simulé.
fault-scenario-unreadable-todo = Vérifiez le chemin et les droits du fichier.
fault-scenario-syntax = cette partie du scénario n'est pas comprise : { $detail }
fault-scenario-syntax-means = Un nom est mal écrit, une valeur manque, ou le fichier n'est pas du TOML.
fault-scenario-syntax-todo = Corrigez cette ligne ; docs/simulator.md énumère tout ce qu'un scénario peut contenir.
fault-scenario-number = { $name } ne peut pas valoir { $found }.
fault-scenario-number-means = C'est une valeur entre { $least } et { $most }.
fault-scenario-number-todo = Écrivez un nombre entre les deux.
fault-scenario-no-name = un nœud ne peut pas porter ce nom.
fault-scenario-no-name-means = Sans nom, rien ne peut le désigner, et « * » veut dire tout le monde.
fault-scenario-no-name-todo = Donnez-lui un autre nom.
fault-scenario-node-twice = deux nœuds s'appellent « { $name } ».
fault-scenario-node-twice-means = Les liens, les textes et les pannes pourraient désigner l'un ou l'autre.
fault-scenario-node-twice-todo = Donnez un autre nom à l'un des deux.
fault-scenario-unknown-node = aucun nœud ne s'appelle « { $name } ».
fault-scenario-unknown-node-means = Cette ligne parle d'un nœud que le scénario n'a pas.
fault-scenario-unknown-node-todo = Corrigez le nom, ou ajoutez un [[node]] qui le porte.
fault-scenario-same-ends = « { $name } » est aux deux bouts.
fault-scenario-same-ends-means = Un nœud ne s'entend pas et ne s'écrit pas à lui-même.
fault-scenario-same-ends-todo = Nommez un autre nœud à l'un des bouts.
fault-scenario-link-twice = il y a deux liens entre « { $a } » et « { $b } ».
fault-scenario-link-twice-means = Un lien va dans les deux sens ; on ne saurait pas quelle perte compte.
fault-scenario-link-twice-todo = Enlevez-en un.
fault-scenario-links = ce modèle de propagation n'a pas de liens.
fault-scenario-links-means = C'est la distance qui décide qui entend qui ; un [[link]] n'y changerait rien.
fault-scenario-links-todo = Écrivez model = "table" sous [path], ou enlevez les liens.
fault-scenario-window = un nœud ne peut pas être allumé de { $from } à { $to }.
fault-scenario-window-means = Une période finit après son début, et commence quand la précédente est finie.
fault-scenario-window-todo = Écrivez [début, fin] en secondes, dans l'ordre.
fault-scenario-too-few = le scénario a moins de deux nœuds.
fault-scenario-too-few-means = Il n'y aurait personne à qui écrire.
fault-scenario-too-few-todo = Ajoutez un [[node]].
fault-scenario-too-many = le scénario a trop de nœuds.
fault-scenario-too-many-means = Il y a des adresses pour { $most } d'entre eux ; une passerelle en prend 16.
fault-scenario-too-many-todo = Enlevez-en.
fault-scenario-text = le texte fait { $octets } octets.
fault-scenario-text-means = Un texte de ce protocole en a de 1 à { $most }.
fault-scenario-text-todo = Raccourcissez-le, ou écrivez quelque chose.
fault-scenario-no-rooms = Fanal n'a pas encore de salons.
fault-scenario-no-rooms-means = Un texte pour tout le monde ne peut pas être simulé avec ce protocole.
fault-scenario-no-rooms-todo = Écrivez kind = "direct" et nommez les destinataires, ou protocol = "managed-flood".
fault-scenario-broken = le protocole a fait ce qu'il ne doit jamais faire : { $what }
fault-scenario-broken-means = C'est un défaut du programme ; les chiffres ci-dessus sont ceux d'un protocole défectueux.
fault-scenario-broken-todo = Signalez-le, avec le scénario et la graine.
fault-unreadable-texts = { $path } ne se lit pas ({ $reason }).
fault-unreadable-texts-means = Les textes qu'il contient n'ont pas été mesurés, ou pas tous.
fault-unreadable-texts-todo = Vérifiez le chemin et les droits du fichier.
fault-unsendable = lignes qui ne sont pas des textes à envoyer : { $count }.
fault-unsendable-means = Chacune est nommée plus haut ; les autres ont été mesurées.
fault-unsendable-todo = Corrigez ou enlevez ces lignes.
fault-usage = la commande n'est pas comprise : { $detail }
fault-usage-means = Rien n'a été fait.
fault-usage-todo = « fanal --help » montre ce qui existe.

## La ligne de commande

cli-place = { $file }, ligne { $line } : { $what }
cli-place-without-line = { $file } : { $what }
cli-means = Ce que cela veut dire : { $means }
cli-todo = À faire : { $todo }
cli-about = Fanal : des messages par radio LoRa quand tout le reste est tombé.
cli-usage = Emploi :
cli-commands = Commandes :
cli-options = Options :
cli-arguments = Arguments :
cli-help = Montre cette aide
cli-version = Montre la version
cli-gateway = Relie le serveur XMPP de cette machine à la radio
cli-gateway-config = Le fichier de réglages
cli-gateway-check = Vérifie les réglages, puis s'arrête
cli-key = Fait ou montre des clés
cli-key-new = Fait une clé et l'écrit dans un fichier que vous seul pouvez lire
cli-key-new-file = Le fichier à faire
cli-key-new-network = Une clé de communauté, au lieu d'une clé de station
cli-key-show = Montre ce qu'il faut entrer dans les portatifs
cli-check-ok = Les réglages de { $site } sont bons : { $persons } { $persons ->
    [one] personne
   *[other] personnes
}, { $handhelds } { $handhelds ->
    [one] portatif
   *[other] portatifs
}, { $channel }.
cli-key-written = Clé écrite dans { $path }. Gardez-en une copie en lieu sûr.
cli-key-public = Clé publique : { $key }
cli-key-pairing = À entrer dans chaque portatif :
cli-key-nobody = Aucune personne dans les réglages.
cli-pair = Jumelle des portatifs avec cette passerelle
cli-pair-invite = Montre l'invitation d'un nouveau portatif (un secret)
cli-pair-invite-name = Le nom que portera le portatif
cli-pair-invite-node = Son adresse (sinon, une adresse libre)
cli-pair-take = Prend la carte d'un portatif et l'écrit dans les réglages
cli-pair-take-code = La carte (sinon, lue sur l'entrée standard)
cli-pair-take-name = Le nom que portera le portatif, si sa carte ne le dit pas
cli-pair-take-replace = Le portatif a une nouvelle clé : oublier l'ancienne
cli-pair-card = Montre la carte de cette maison (pas un secret), pour les portatifs de la communauté
cli-pair-verify = Montre les chiffres à comparer avec ceux d'un portatif
cli-pair-verify-name = Le nom du portatif
cli-pair-invitation =
    Invitation. UN SECRET : elle contient la clé du réseau. Ne la montrez qu'au nouveau portatif, n'en gardez pas de copie.
    Sur le portatif : /jumeler et le code.
cli-pair-invited =
    Prenez ensuite la carte que le portatif montre (« { $name } ») :
      fanal pair take --config FICHIER FANAL:CARD/…
cli-pair-public = Carte de cette maison. Pas un secret. Sur un portatif de la communauté : /jumeler et le code.
cli-pair-waiting = Collez la carte du portatif, puis Entrée :
cli-pair-new = { $name } ({ $node }) est dans les réglages. La passerelle le connaîtra à son prochain démarrage.
cli-pair-known = { $name } ({ $node }) est déjà dans les réglages, avec cette clé. Rien n'a changé.
cli-pair-replaced = { $name } ({ $node }) a sa nouvelle clé dans les réglages. La passerelle la connaîtra à son prochain démarrage ; d'ici là, les messages n'arrivent pas.
cli-pair-digits = Si { $name } voit d'autres chiffres avec « /vérifier » et le nom de la personne, quelqu'un est entre les deux : n'utilisez pas ce jumelage.

## The demo

demo-about = Montre toute la chaîne sur cette machine, avec une radio simulée
demo-dir = Où garder ses fichiers (sinon, un dossier temporaire)
demo-port = Port pour les applications XMPP (sinon, un port libre)
demo-seed = Graine de tout le hasard des ondes
demo-firmware = Ce qui fait marcher les radios : des fils d'exécution (host) ou les images Cortex-M dans un émulateur (qemu)
demo-loss = Part des trames qui se perdent sur les ondes
demo-json = Un objet JSON par ligne, en sortie et en entrée, pour les programmes
demo-starting = Démarrage, dans { $folder } …
demo-account = { $jid }   mot de passe { $password }
demo-intro =
    Toute la chaîne fonctionne. Connectez-vous avec n'importe quelle application XMPP :

      serveur { $host }, port { $port } (acceptez son certificat : personne ne l'a signé)
    { $accounts }

    Les contacts { $rosa } et { $marc } sont des portatifs : deux
    radios LoRa, simulées ici, avec le micrologiciel des vraies. Écrivez à l'un depuis l'application :
    cela s'affiche plus bas. Vous tenez celui de Rosa : tapez une ligne pour répondre à Alice, ou
    @bob allo  pour écrire à Bob.  /help  montre ce qu'un portatif comprend.

    À la démo :  :marc  prend l'autre portatif  ·  :off rosa  :on rosa  le courant
                 :loss 0.3  un mauvais jour sur les ondes  ·  :off modem  débranche la radio  ·  :quit

    {"[.]"} en attente  [>] envoyé  [=] gardé par la passerelle  [+] livré : l'application a confirmé  [x] expiré
    Trafic série : { $console } · journal : { $log }
demo-is-off = { $name } est éteint. :on { $name } l'allume.
demo-on = { $name } est allumé.
demo-off = { $name } est éteint.
demo-in-hand = Vous tenez { $name }.
demo-loss-set = { $percent } % des trames se perdent maintenant.
demo-orders = À la démo : :rosa :marc · :off NŒUD · :on NŒUD · :loss 0.3 · :quit   (NŒUD : rosa, marc, modem)

## Le simulateur et le prix des textes

simulate-about = Simule un champ de nœuds et dit ce que leurs textes sont devenus
simulate-scenario = Le fichier du scénario (docs/simulator.md)
simulate-seed = Graine de tout le hasard (1 si rien n'est dit)
simulate-json = Le résultat en un objet JSON, pour les programmes
simulate-unlawful = À noter : avec une vraie radio, ce serait interdit : { $reason } Le simulateur n'émet rien et continue.
simulate-progress = [{ $bar }] { $percent } %, encore { $seconds } s
simulate-sent = écrits
simulate-reachable = joignables
simulate-delivered = livrés
simulate-reported = dits livrés
simulate-false = … et ne le sont pas
simulate-duplicates = montrés deux fois
simulate-given-up = abandonnés, et cela est dit
simulate-under-way = en route
simulate-lost = perdus
simulate-transmissions = transmissions
simulate-airtime = temps d'antenne
simulate-airtime-each = temps d'antenne par texte livré
simulate-delay = la moitié arrive en
simulate-delay-95 = 95 % arrivent en
airtime-about = Dit ce que des textes coûtent sur les ondes
airtime-rate = Débit LoRa, par exemple SF9/500 (sinon, celui de la région)
airtime-region = Région dont le débit compte (sinon, CA)
airtime-text = Le texte, ou plusieurs, un par ligne
airtime-file = Un fichier avec un texte par ligne
airtime-json = Un objet JSON par texte, pour les programmes
airtime-heading =
    À { $rate }, octets et millisecondes :
     texte   codé routée     temps direct     temps accusé     temps   en tout
airtime-not-utf8 = Ligne { $line } : ce n'est pas de l'UTF-8.
airtime-too-long = Ligne { $line } : { $octets } octets ou plus ; un message radio en porte au plus { $most }.
