# What the gateway says to people. The same keys, in the same order, as in fr-CA.

## Answers to messages that do not go on the air

refused-too-long = Not sent: the text has { $octets } octets and a radio message carries { $max } at most. Send it in parts.
refused-unknown-recipient = Not sent: there is no handheld at this address. The gateway's services list shows those that exist.
refused-to-gateway = Not sent: this is the gateway itself. Write to one of the handhelds in your contact list.
refused-not-listed = Not sent: the gateway does not know your account. Ask the person who runs it to add you.
refused-encrypted = Not sent: a handheld cannot read messages encrypted by your app. Turn off encryption (OMEMO or OpenPGP) for this contact and send it again; the radio encrypts on its own.
refused-file = Not sent: files, pictures and voice messages do not fit on the radio. Write it as text.
refused-retraction = A message that went by radio cannot be taken back.
refused-room = Group chats do not go by radio. Write to one handheld.
refused-queue-full = Not sent: too many messages wait for the radio already. Try again in a while.
refused-expired = Not delivered: the handheld was not heard in time. Send it again if it still matters.
refused-failed = Not delivered: the radio could not pass on the message. Send it again.

## Presence

presence-never-heard = never heard
presence-heard-now = heard just now
presence-heard-minutes = heard { $minutes } min ago
presence-heard-hours = heard { $hours } h ago
presence-heard-days = heard { $days } { $days ->
    [one] day
   *[other] days
} ago
presence-snr = SNR { $db } dB
presence-waiting = { $count } { $count ->
    [one] message
   *[other] messages
} waiting
