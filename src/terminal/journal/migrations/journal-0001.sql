-- One journal: an unbroken run of entries, numbered from 1.
-- `hash` stands directly behind `text`, so that an entry can be found and proven in the bare bytes of a damaged file.
CREATE TABLE entry (
    sequence   INTEGER PRIMARY KEY,
    text       TEXT    NOT NULL,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    wall_ms    INTEGER NOT NULL, -- the raw wall clock, right or wrong
    trusted_ms INTEGER,          -- a moment not before this entry's true time, where one is known
    sync_boot  BLOB              -- the boot that a trusted moment belongs to
) STRICT;

CREATE INDEX entry_sync ON entry (sync_boot, sequence) WHERE sync_boot IS NOT NULL;

-- The journal itself: JSON with its digest. `opens` changes at each opening, which proves that the file can be written.
CREATE TABLE meta (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    text      TEXT    NOT NULL,
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    pruned_to INTEGER NOT NULL,
    opens     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TRIGGER entry_is_added_at_the_end BEFORE INSERT ON entry
WHEN NEW.sequence <> 1 + max(coalesce((SELECT max(sequence) FROM entry), 0), coalesce((SELECT pruned_to FROM meta), 0))
BEGIN SELECT raise(ABORT, 'an entry is added only at the end'); END;

CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT raise(ABORT, 'an entry is never changed'); END;

CREATE TRIGGER entry_is_removed_only_when_pruned BEFORE DELETE ON entry
WHEN OLD.sequence > coalesce((SELECT pruned_to FROM meta), 0)
BEGIN SELECT raise(ABORT, 'an entry is removed only when it is pruned'); END;
