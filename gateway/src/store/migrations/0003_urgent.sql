-- Whether a text from the air was called urgent by its author.
ALTER TABLE inbox ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0 CHECK (urgent IN (0, 1));
