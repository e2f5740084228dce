-- Texts of others, as frames, that this gateway keeps for nodes that are absent.
CREATE TABLE kept (
    identity   INTEGER PRIMARY KEY CHECK (identity BETWEEN 0 AND 4294967295),
    frame      BLOB    NOT NULL CHECK (length(frame) BETWEEN 1 AND 255),
    expires_ms INTEGER NOT NULL                   -- UNIX time
) STRICT;
