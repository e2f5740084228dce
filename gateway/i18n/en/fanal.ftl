# What the gateway says to people. The same keys, in the same order, as in fr-CA.

## Answers to messages that do not go on the air

refused-too-long = Not sent: the text has { $octets } octets and no more than { $max } go over the radio in one message. Send it in parts.
refused-unknown-recipient = Not sent: there is no handheld at this address. The gateway's services list shows those that exist.
refused-to-gateway = Not sent: this is the gateway itself. Write to one of the handhelds in your contact list.
refused-not-listed = Not sent: the gateway does not know your account. Ask the person who runs it to add you.
refused-encrypted = Not sent: a handheld cannot read messages encrypted by your app. Turn off encryption (OMEMO or OpenPGP) for this contact and send it again; the radio encrypts on its own.
refused-file = Not sent: files, pictures and voice messages do not fit on the radio. Write it as text.
refused-retraction = A message that went by radio cannot be taken back.
refused-room = Group chats do not go by radio. Write to one handheld.
refused-queue-full = Not sent: too many messages wait for the radio already. Try again in a while.
refused-too-many-urgent = Not sent: eight of your urgent messages wait for the radio already. Wait until they have arrived, or send it without “!!”.
refused-expired = Given up: no receipt came from the handheld in time. It may still have the text. Ask, or send it again if it still matters.
refused-failed = Not delivered: the radio could not pass on the message. Send it again.

## Texts from the air

urgent-text = URGENT:

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

## What is wrong: what, what it means, what to do

fault-unreadable = the settings file cannot be read ({ $reason }).
fault-unreadable-means = The gateway does not know how to start.
fault-unreadable-todo = Check the path given to --config and the permissions of the file.
fault-syntax = this setting is not understood: { $detail }
fault-syntax-means = A name is misspelt, a setting is missing, or the file is not TOML.
fault-syntax-todo = Mend this line; docs/operations.md lists all settings.
fault-language = “{ $found }” is not a language of the gateway.
fault-language-means = It speaks French and English.
fault-language-todo = Write language = "fr" or language = "en".
fault-not-loopback = “{ $found }” is not an address of this machine with a port.
fault-not-loopback-means = The link to the XMPP server is not encrypted: it must not leave the machine, and no name is looked up on the network.
fault-not-loopback-todo = Write server = "127.0.0.1:5347", or the port where the server expects its components.
fault-domain = “{ $found }” cannot be an XMPP domain.
fault-domain-means = The handhelds get their addresses from this domain.
fault-domain-todo = Give the domain of the component as the server knows it, radio.fanal.lan for example.
fault-one-secret = one of secret and secret_file is needed, and not both.
fault-one-secret-means = Without a shared secret the XMPP server refuses the gateway.
fault-one-secret-todo = Preferably keep secret_file, with a file that only the gateway can read.
fault-short-secret = the secret has only { $found } characters; 32 are needed.
fault-short-secret-means = A short secret can be guessed.
fault-short-secret-todo = Make one with “fanal key new FILE” and give the same one to the XMPP server.
fault-open-secret = everybody on this machine can read { $path }.
fault-open-secret-means = This file holds a secret.
fault-open-secret-todo = Run “chmod o= { $path }”, then change the secret if others may have read it.
fault-unreadable-secret = { $path } cannot be read ({ $reason }).
fault-unreadable-secret-means = The gateway needs the secret in it.
fault-unreadable-secret-todo = Check the path and the permissions; “fanal key new FILE” makes a new key.
fault-key-file = { $path } does not hold a key of { $digits } hexadecimal digits.
fault-key-file-means = The key is damaged, or this is the wrong file.
fault-key-file-todo = Restore the backup, or make a new key with “fanal key new”; with a new key the handhelds must be paired again.
fault-public-key = this is not a public key of { $digits } hexadecimal digits.
fault-public-key-means = Without the right key the handheld and the gateway do not understand each other.
fault-public-key-todo = Copy what the handheld answers to /key.
fault-node = “{ $found }” is not a node id.
fault-node-means = A node id is four hexadecimal digits, from 0001 to fffe.
fault-node-todo = Choose a free one, 0201 for example, and keep the quotation marks.
fault-region = “{ $found }” is not a region.
fault-region-means = The region decides what the law allows to be transmitted.
fault-region-todo = Write CA, US or EU, after the place where the radio stands.
fault-rate = “{ $found }” is not a LoRa rate.
fault-rate-means = All radios of a community share one rate.
fault-rate-todo = Write SF9/500 for example, or remove the line for the rate of the region.
fault-unlawful-band = this frequency is outside the bands of the region.
fault-unlawful-band-means = The law forbids transmitting there.
fault-unlawful-band-todo = Check the region.
fault-unlawful-bandwidth = a bandwidth of { $khz } kHz is forbidden on this frequency.
fault-unlawful-bandwidth-means = The law forbids transmitting that way there.
fault-unlawful-bandwidth-todo = Choose a rate of the region, or remove rate.
fault-unlawful-hopping = a bandwidth of { $khz } kHz is only for stations that hop over at least { $channels } channels here.
fault-unlawful-hopping-means = The gateway stays on one channel; the law forbids this bandwidth to it.
fault-unlawful-hopping-todo = Choose a rate of the region, or remove rate.
fault-unlawful-power = the power is above the { $max } dBm that are allowed.
fault-unlawful-power-means = The law forbids transmitting that loud.
fault-unlawful-power-todo = Set power_dbm to { $max } or less.
fault-baud = { $found } is not the speed of a serial port.
fault-baud-means = The gateway and the modem must speak at the same speed.
fault-baud-todo = Write baud = 115200, or remove the line.
fault-jid = “{ $found }” is not the address of an XMPP account.
fault-jid-means = Each person is named by an account, without a device.
fault-jid-todo = Write alice@fanal.lan for example.
fault-node-taken = the node id { $node } already belongs to { $by }.
fault-node-taken-means = Two stations with one id would get each other's messages.
fault-node-taken-todo = Give another id to one of them.
fault-name-taken = “{ $name }” is already there, for { $by }.
fault-name-taken-means = Capitals do not tell two XMPP addresses apart.
fault-name-taken-todo = Give another name to one of them, or remove the entry that is there twice.
fault-key-taken = this public key already belongs to { $by }.
fault-key-taken-means = Two stations with one key: one is a copy of the other, or the key was copied twice.
fault-key-taken-todo = Make a new key on one of the handhelds with /key new, or copy the right key.
fault-weak-key = this public key is weak.
fault-weak-key-means = It would protect no message; no handheld makes such a key.
fault-weak-key-todo = Copy what the handheld answers to /key.
fault-own-domain = { $jid } lies in the gateway's own domain.
fault-own-domain-means = That domain is for the handhelds; persons have accounts on the server.
fault-own-domain-todo = Give the account of the person, alice@fanal.lan for example.
fault-no-person = { $jid } names a server, not a person.
fault-no-person-means = Each person is named by an account.
fault-no-person-todo = Write alice@fanal.lan for example.
fault-name-unusable = this name cannot be used.
fault-name-unusable-means = A name has 1 to 48 characters, all of them visible.
fault-name-unusable-todo = Choose a name that people can read and write.
fault-too-many = there are too many persons and handhelds.
fault-too-many-means = A gateway serves { $max } pairs of a person and a handheld at most.
fault-too-many-todo = Remove entries, or share them between two gateways.
fault-store-in-use = the database { $path } is in use.
fault-store-in-use-means = Another gateway is at work with the same messages.
fault-store-in-use-todo = Stop that one first, or give this one another database.
fault-store-damaged = the database { $path } is damaged ({ $report }).
fault-store-damaged-means = The messages that wait may be wrong; the gateway does not guess.
fault-store-damaged-todo = Put this file aside: the gateway begins a new one, and the messages that waited are lost. Examine the disk.
fault-store-too-new = the database { $path } was written by a later version ({ $found }; this one knows { $known }).
fault-store-too-new-means = This version cannot read it without loss.
fault-store-too-new-todo = Install the later version of fanal.
fault-store-library = the SQLite library { $found } is too old.
fault-store-library-means = It can damage the database; 3.51.3 or later is needed.
fault-store-library-todo = Build fanal with the library that comes with it.
fault-store-open = the database { $path } cannot be opened ({ $reason }).
fault-store-open-means = Without it no message is kept.
fault-store-open-todo = Check that the folder exists, that the gateway may write there, and that there is room.
fault-store-failed = the database has failed ({ $reason }).
fault-store-failed-means = Nothing is promised that is not written; the gateway stops and will go on where it was.
fault-store-failed-todo = If it happens again, examine the disk and the room on it.
fault-system = the system refuses { $what } ({ $reason }).
fault-system-means = The gateway cannot work without it.
fault-system-todo = Check the permissions and the limits of the machine; the supervisor will try again.
fault-ended = a part of the gateway has ended: { $part }.
fault-ended-means = That is a defect of the program. What was promised is kept.
fault-ended-todo = The supervisor starts it again; report it, with the log.
fault-key-exists = { $path } exists already.
fault-key-exists-means = To overwrite it would lose a key, and all handhelds would have to be paired again.
fault-key-exists-todo = Choose another name, or move the old file away first.
fault-key-unwritten = { $path } cannot be written ({ $reason }).
fault-key-unwritten-means = No key was made.
fault-key-unwritten-todo = Check that the folder exists and that you may write there.
fault-other-key = { $name } has another key in the settings.
fault-other-key-means = If { $name } has not made a new key, somebody pretends to be { $name }.
fault-other-key-todo = Ask { $name } in person; if the key is new, say --replace.
fault-unusual-settings = nothing can be added to { $path }.
fault-unusual-settings-means = The handhelds stand there in a way that the program cannot continue.
fault-unusual-settings-todo = Write them as [[handheld]], one after the other, then take the card again.
fault-settings-unwritten = { $path } cannot be written ({ $reason }).
fault-settings-unwritten-means = The settings are as they were.
fault-settings-unwritten-todo = Check that you may write in this folder and that there is room.
fault-no-code = this is not a code.
fault-no-code-means = The card of a handheld begins with FANAL:CARD/.
fault-no-code-todo = Copy what the handheld shows after /pair.
fault-code-version = this code has version { $found }.
fault-code-version-means = A later version of Fanal has made it; this one cannot read it.
fault-code-version-todo = Bring this program up to date.
fault-code-damaged = the code is damaged.
fault-code-damaged-means = A character is wrong, missing or too many; nothing was changed.
fault-code-damaged-todo = Copy or scan it again, to its end.
fault-code-of-gateway = this is the code of a gateway.
fault-code-of-gateway-means = A gateway takes the cards of handhelds; its own code is for them.
fault-code-of-gateway-todo = On the handheld: /pair and this code; then take the card that it shows.
fault-no-name = the handheld has no name.
fault-no-name-means = The card names nobody, and the contact would have no address in the apps.
fault-no-name-todo = Say --name Rosa.
fault-no-persons = there are no persons in the settings.
fault-no-persons-means = A handheld would have nobody to write to.
fault-no-persons-todo = Add a [[person]]; docs/operations.md shows how.
fault-unknown-handheld = there is no handheld { $name }.
fault-unknown-handheld-means = Only handhelds in the settings can be compared.
fault-unknown-handheld-todo = Check the name, or take the card of this handheld first.
fault-node-for-gateways = { $node } is an address for a gateway.
fault-node-for-gateways-means = Addresses that end in 0 are those of houses; texts for others would be brought there.
fault-node-for-gateways-todo = Choose one that ends otherwise, or leave --node out.
fault-scenario-unreadable = the scenario cannot be read ({ $reason }).
fault-scenario-unreadable-means = Nothing was simulated.
fault-scenario-unreadable-todo = Check the path and the permissions of the file.
fault-scenario-syntax = this part of the scenario is not understood: { $detail }
fault-scenario-syntax-means = A name is misspelt, a value is missing, or the file is not TOML.
fault-scenario-syntax-todo = Mend this line; docs/simulator.md lists everything that may stand in a scenario.
fault-scenario-number = { $name } cannot be { $found }.
fault-scenario-number-means = It lies between { $least } and { $most }.
fault-scenario-number-todo = Write a number between these two.
fault-scenario-no-name = a node cannot have this name.
fault-scenario-no-name-means = Without a name nothing can refer to it, and “*” stands for everybody.
fault-scenario-no-name-todo = Give it another name.
fault-scenario-node-twice = there are two nodes named “{ $name }”.
fault-scenario-node-twice-means = Links, texts and faults could mean either.
fault-scenario-node-twice-todo = Give another name to one of them.
fault-scenario-unknown-node = there is no node named “{ $name }”.
fault-scenario-unknown-node-means = This line refers to a node that the scenario does not have.
fault-scenario-unknown-node-todo = Correct the name, or add a [[node]] with it.
fault-scenario-same-ends = “{ $name }” stands at both ends.
fault-scenario-same-ends-means = A node neither hears itself nor writes to itself.
fault-scenario-same-ends-todo = Name another node at one end.
fault-scenario-link-twice = there are two links between “{ $a }” and “{ $b }”.
fault-scenario-link-twice-means = A link goes both ways; it would not be clear which loss counts.
fault-scenario-link-twice-todo = Remove one of them.
fault-scenario-links = this model of the path has no links.
fault-scenario-links-means = Distance decides who hears whom; a [[link]] would change nothing.
fault-scenario-links-todo = Write model = "table" in [path], or remove the links.
fault-scenario-window = a node cannot be on from { $from } to { $to }.
fault-scenario-window-means = A window ends after it begins, and begins when the one before has ended.
fault-scenario-window-todo = Write [from, to] in seconds, in order.
fault-scenario-too-few = the scenario has fewer than two nodes.
fault-scenario-too-few-means = There would be nobody to write to.
fault-scenario-too-few-todo = Add a [[node]].
fault-scenario-too-many = the scenario has too many nodes.
fault-scenario-too-many-means = There are addresses for { $most } of them; a gateway takes 16.
fault-scenario-too-many-todo = Remove some.
fault-scenario-text = the text has { $octets } octets.
fault-scenario-text-means = A text of this protocol has between 1 and { $most }.
fault-scenario-text-todo = Shorten it, or write something.
fault-scenario-no-rooms = Fanal has no rooms yet.
fault-scenario-no-rooms-means = A text for everybody cannot be simulated with this protocol.
fault-scenario-no-rooms-todo = Write kind = "direct" and name the destinations, or protocol = "managed-flood".
fault-scenario-broken = the protocol did what it must never do: { $what }
fault-scenario-broken-means = That is a defect of the program; the figures above are those of a defective protocol.
fault-scenario-broken-todo = Report it, with the scenario and the seed.
fault-unreadable-texts = { $path } cannot be read ({ $reason }).
fault-unreadable-texts-means = The texts in it were not measured, or not all of them.
fault-unreadable-texts-todo = Check the path and the permissions of the file.
fault-unsendable = { $count } lines are not texts that can be sent.
fault-unsendable-means = Each was named above; the others were measured.
fault-unsendable-todo = Mend or remove these lines.
fault-usage = the command is not understood: { $detail }
fault-usage-means = Nothing was done.
fault-usage-todo = “fanal --help” shows what there is.

## The command line

cli-place = { $file }, line { $line }: { $what }
cli-place-without-line = { $file }: { $what }
cli-means = What it means: { $means }
cli-todo = What to do: { $todo }
cli-about = Fanal: messages by LoRa radio when everything else is down.
cli-usage = Usage:
cli-commands = Commands:
cli-options = Options:
cli-arguments = Arguments:
cli-help = Shows this help
cli-version = Shows the version
cli-gateway = Bridges this machine's XMPP server and the radio
cli-gateway-config = The settings file
cli-gateway-check = Checks the settings, then stops
cli-key = Makes keys or shows them
cli-key-new = Makes a key and writes it into a file that only you can read
cli-key-new-file = The file to make
cli-key-new-network = A community's key instead of a station's
cli-key-show = Shows what is to be entered into the handhelds
cli-check-ok = The settings of { $site } are good: { $persons } { $persons ->
    [one] person
   *[other] persons
}, { $handhelds } { $handhelds ->
    [one] handheld
   *[other] handhelds
}, { $channel }.
cli-key-written = Key written to { $path }. Keep a copy in a safe place.
cli-key-public = Public key: { $key }
cli-key-pairing = To be entered into each handheld:
cli-key-nobody = There are no persons in the settings.
cli-pair = Pairs handhelds with this gateway
cli-pair-invite = Shows the invitation for a new handheld (a secret)
cli-pair-invite-name = What the handheld is to be called
cli-pair-invite-node = Its address (a free one unless given)
cli-pair-take = Takes the card of a handheld and writes it into the settings
cli-pair-take-code = The card (from standard input unless given)
cli-pair-take-name = What the handheld is to be called, if its card does not say
cli-pair-take-replace = The handheld has a new key: forget the former one
cli-pair-card = Shows the card of this house (not a secret), for handhelds of the community
cli-pair-verify = Shows the digits to compare with those of a handheld
cli-pair-verify-name = The name of the handheld
cli-pair-invitation =
    Invitation. A SECRET: it holds the network key. Show it to the new handheld only, and keep no copy.
    On the handheld: /pair and the code.
cli-pair-invited =
    Then take the card that the handheld shows (“{ $name }”):
      fanal pair take --config FILE FANAL:CARD/…
cli-pair-public = Card of this house. Not a secret. On a handheld of the community: /pair and the code.
cli-pair-waiting = Paste the card of the handheld, then Enter:
cli-pair-new = { $name } ({ $node }) is in the settings. The gateway knows it from its next start.
cli-pair-known = { $name } ({ $node }) is in the settings already, with this key. Nothing was changed.
cli-pair-replaced = { $name } ({ $node }) has its new key in the settings. The gateway knows it from its next start; until then texts do not arrive.
cli-pair-digits = If { $name } sees other digits with “/verify” and the person's name, somebody sits in between: do not use this pairing.

## The demo

demo-about = Shows the whole chain on this machine, with a simulated radio
demo-dir = Where its files are kept (a temporary folder unless given)
demo-port = Port for XMPP clients (a free one unless given)
demo-seed = Seed of all the chance in the air
demo-firmware = What runs the radios: threads (host) or Cortex-M images in an emulator (qemu)
demo-loss = Share of frames that get lost on the air
demo-json = One JSON object per line, out and in, for programs
demo-starting = Starting, in { $folder } …
demo-account = { $jid }   password { $password }
demo-intro =
    The whole chain runs. Log in with any XMPP app:

      server { $host }, port { $port } (accept its certificate: nobody signed it)
    { $accounts }

    The contacts { $rosa } and { $marc } are handhelds: two LoRa
    radios, simulated here, with the firmware of the real ones. Write to one from the app, and it
    shows below. You hold Rosa's: type a line to answer Alice, or  @bob hello  to write to Bob.
    /help  shows what a handheld understands.

    To the demo:  :marc  takes the other handheld  ·  :off rosa  :on rosa  the power
                  :loss 0.3  a bad day on the air  ·  :off modem  pulls the radio  ·  :quit

    {"[.]"} queued  [>] sent  [=] kept by the gateway  [+] delivered: the app has confirmed  [x] expired
    Serial traffic: { $console } · log: { $log }
demo-is-off = { $name } is switched off. :on { $name } switches it on.
demo-on = { $name } is on.
demo-off = { $name } is off.
demo-in-hand = You hold { $name }.
demo-loss-set = { $percent } % of the frames get lost now.
demo-orders = To the demo: :rosa :marc · :off NODE · :on NODE · :loss 0.3 · :quit   (NODE: rosa, marc, modem)

## The simulator and the cost of texts

simulate-about = Simulates a field of nodes and tells what became of their texts
simulate-scenario = The scenario file (docs/simulator.md)
simulate-seed = Seed of all chance (1 unless given)
simulate-json = The result as one JSON object, for programs
simulate-unlawful = Note: with a real radio this would be forbidden: { $reason } The simulator transmits nothing and goes on.
simulate-progress = [{ $bar }] { $percent } %, { $seconds } s left
simulate-sent = written
simulate-reachable = reachable
simulate-delivered = delivered
simulate-reported = said to be delivered
simulate-false = … and are not
simulate-duplicates = shown twice
simulate-given-up = given up, and said so
simulate-under-way = under way
simulate-lost = lost
simulate-transmissions = transmissions
simulate-airtime = airtime
simulate-airtime-each = airtime per delivered text
simulate-delay = half arrive within
simulate-delay-95 = 95 % arrive within
airtime-about = Tells what texts cost on the air
airtime-rate = LoRa rate, SF9/500 for example (that of the region unless given)
airtime-region = Region whose rate counts (CA unless given)
airtime-text = The text, or several, one per line
airtime-file = A file with one text per line
airtime-json = One JSON object per text, for programs
airtime-heading =
    At { $rate }, octets and milliseconds:
      text  coded routed      time direct      time    ack      time both ways
airtime-not-utf8 = Line { $line }: not UTF-8.
airtime-too-long = Line { $line }: { $octets } octets or more; a radio message carries { $most } at most.
