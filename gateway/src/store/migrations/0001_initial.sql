-- Texts on their way from XMPP to the air. A row stays after its end, so that the same stanza sent again is known.
CREATE TABLE outbox (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    sender        TEXT    NOT NULL,               -- bare JID
    recipient     TEXT    NOT NULL,               -- bare JID the stanza was addressed to
    stanza_id     TEXT,                           -- the sender's name for it
    repetition_key TEXT,                          -- with both JIDs: what makes a duplicate
    reply_to      TEXT    NOT NULL,               -- full JID
    source        INTEGER NOT NULL CHECK (source BETWEEN 1 AND 65534),
    destination   INTEGER NOT NULL CHECK (destination BETWEEN 1 AND 65534),
    counter       INTEGER CHECK (counter BETWEEN 0 AND 4294967295),  -- NULL until the message has one
    priority      INTEGER NOT NULL,
    text          TEXT    NOT NULL,               -- emptied once nobody needs it any more
    language      TEXT    NOT NULL,
    accepted_ms   INTEGER NOT NULL,               -- UNIX time
    lifetime_ms   INTEGER NOT NULL CHECK (lifetime_ms >= 0),
    wants_receipt INTEGER NOT NULL CHECK (wants_receipt IN (0, 1)),
    state         INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 5),
    custodian     INTEGER,
    told          INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),  -- the sender knows how it ended
    UNIQUE (sender, recipient, repetition_key),
    UNIQUE (source, destination, counter)
) STRICT;
-- States 0 queued, 1 sent, 2 in custody are open; 3 delivered, 4 expired, 5 failed are ends.
CREATE INDEX outbox_queue   ON outbox (source, destination, priority DESC, id) WHERE state <= 2;
CREATE INDEX outbox_expiry  ON outbox (accepted_ms + lifetime_ms) WHERE state <= 2;
CREATE INDEX outbox_untold  ON outbox (id) WHERE state > 2 AND told = 0;
CREATE INDEX outbox_purge   ON outbox (accepted_ms) WHERE state > 2 AND told = 1;

-- How many open rows there are, kept by the database itself so that it cannot drift: per sender, per
-- destination, and in all ('*').
CREATE TABLE depth (
    kind   TEXT    NOT NULL CHECK (kind IN ('sender', 'destination', '*')),
    name   TEXT    NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 0),
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER outbox_opened AFTER INSERT ON outbox WHEN NEW.state <= 2 BEGIN
    INSERT INTO depth VALUES ('*', '', 1) ON CONFLICT DO UPDATE SET number = number + 1;
    INSERT INTO depth VALUES ('sender', NEW.sender, 1) ON CONFLICT DO UPDATE SET number = number + 1;
    INSERT INTO depth VALUES ('destination', CAST(NEW.destination AS TEXT), 1)
        ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER outbox_ended AFTER UPDATE OF state ON outbox WHEN OLD.state <= 2 AND NEW.state > 2 BEGIN
    UPDATE depth SET number = number - 1 WHERE (kind, name) IN
        (VALUES ('*', ''), ('sender', OLD.sender), ('destination', CAST(OLD.destination AS TEXT)));
    DELETE FROM depth WHERE number = 0;
END;

-- Texts from the air on their way to somebody's XMPP account.
CREATE TABLE inbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    source       INTEGER NOT NULL,
    destination  INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,                -- of the session: new keys start new counters
    counter      INTEGER NOT NULL,
    text         TEXT    NOT NULL,                -- emptied once confirmed
    received_ms  INTEGER NOT NULL,                -- UNIX time
    rssi_dbm     INTEGER NOT NULL,
    snr_quarter_db INTEGER NOT NULL,
    handed       INTEGER NOT NULL DEFAULT 0 CHECK (handed IN (0, 1)),     -- the XMPP server has it
    retry_ms     INTEGER NOT NULL DEFAULT 0,      -- not before this UNIX time
    refusals     INTEGER NOT NULL DEFAULT 0,      -- how often it was bounced
    confirmed    INTEGER NOT NULL DEFAULT 0 CHECK (confirmed IN (0, 1)),  -- the person's app has it
    closed       INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),     -- the radio sender knows
    UNIQUE (source, destination, epoch, counter)
) STRICT;
CREATE INDEX inbox_unhanded ON inbox (id) WHERE handed = 0 AND confirmed = 0;
CREATE INDEX inbox_unclosed ON inbox (id) WHERE confirmed = 1 AND closed = 0;
CREATE INDEX inbox_purge    ON inbox (received_ms);

-- One row per pair of nodes that talk, and one (remote 65535) for the gateway's own beacons.
CREATE TABLE session (
    local       INTEGER NOT NULL,
    remote      INTEGER NOT NULL,
    keys        BLOB    NOT NULL,                 -- both public keys; other keys start a new epoch
    epoch       INTEGER NOT NULL DEFAULT 0,
    reserved    INTEGER NOT NULL DEFAULT 0 CHECK (reserved BETWEEN 0 AND 4294967295),
    window_top  INTEGER,                          -- highest counter received, NULL before the first
    window_bits INTEGER NOT NULL DEFAULT 0,       -- 64 bits, as a signed number
    PRIMARY KEY (local, remote)
) STRICT, WITHOUT ROWID;

-- The latest UNIX time this store has seen, for boxes whose clock starts in 1970.
CREATE TABLE clock (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    seen_ms INTEGER NOT NULL
) STRICT;
INSERT INTO clock VALUES (1, 0);
