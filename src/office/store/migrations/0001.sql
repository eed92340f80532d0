-- Schema 1: sites, terminals, entries as received, the evidence for them, the feed, facts, tokens.
--
-- Times are milliseconds since the Unix epoch, days are YYYY-MM-DD in the site's civil time, journals, boots and hashes are raw bytes.
-- Every key begins with the site. What was received and what people said is append-only, and triggers hold that; the rest is derived or current.

CREATE TABLE site (
    site INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    utc_offset TEXT NOT NULL,
    facts_version INTEGER NOT NULL DEFAULT 0, -- grows with every fact
    feed_version INTEGER NOT NULL DEFAULT 0,  -- the newest version in the feed
    feed_epoch TEXT NOT NULL                  -- changes when the store goes back in time: cursors of before begin again
) STRICT;

CREATE TABLE terminal (
    site INTEGER NOT NULL REFERENCES site,
    terminal TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    contact_at INTEGER,
    state TEXT,             -- what it last told of itself
    complete_up_to INTEGER,
    statements INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (site, terminal)
) STRICT, WITHOUT ROWID;

CREATE TABLE terminal_key (
    site INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    public_key TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (site, terminal, public_key),
    FOREIGN KEY (site, terminal) REFERENCES terminal
) STRICT, WITHOUT ROWID;
CREATE INDEX terminal_key_by_terminal ON terminal_key (terminal);

CREATE TABLE pairing_code (
    site INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_by TEXT, -- the public key that came with it
    PRIMARY KEY (site, terminal),
    FOREIGN KEY (site, terminal) REFERENCES terminal
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    site INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    journal BLOB NOT NULL,
    first_seen_at INTEGER NOT NULL,
    mark INTEGER NOT NULL,      -- everything up to here is held or declared lost
    head BLOB NOT NULL,         -- the hash at the mark; zeros at 0 or where that was lost
    announced INTEGER NOT NULL, -- the end that the terminal signed last
    forked INTEGER NOT NULL,    -- whether two writers of it were ever seen
    PRIMARY KEY (site, terminal, journal),
    FOREIGN KEY (site, terminal) REFERENCES terminal
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    site INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    journal BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    text TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    previous BLOB NOT NULL, -- these three as the text says, for joining and indexes
    kind TEXT NOT NULL,
    boot BLOB NOT NULL,
    PRIMARY KEY (site, terminal, journal, sequence),
    FOREIGN KEY (site, terminal, journal) REFERENCES journal
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_sync ON entry (site, terminal, boot) WHERE kind = 'sync';

CREATE TABLE quarantine (
    site INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    journal BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    text TEXT NOT NULL,
    reason TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (site, terminal, journal, sequence, hash),
    FOREIGN KEY (site, terminal, journal) REFERENCES journal
) STRICT, WITHOUT ROWID;

CREATE TABLE hole (
    site INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    journal BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL,
    head_after BLOB,
    declared_at INTEGER NOT NULL,
    PRIMARY KEY (site, terminal, journal, first, last),
    FOREIGN KEY (site, terminal, journal) REFERENCES journal
) STRICT, WITHOUT ROWID;

-- Signed bodies. The entries of a batch are not kept twice: body = before + their texts joined by commas + after.
CREATE TABLE statement (
    site INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    number INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    day TEXT NOT NULL,
    purpose TEXT NOT NULL,
    public_key TEXT NOT NULL,
    signature TEXT NOT NULL,
    journal BLOB NOT NULL,
    reach INTEGER NOT NULL,   -- the last entry it vouches for; 0 for none
    entries INTEGER NOT NULL, -- how many entries, up to `reach`, stand between before and after
    before BLOB NOT NULL,
    after BLOB NOT NULL,
    covers INTEGER NOT NULL,  -- whether no later statement vouches for the same run of entries
    evidence INTEGER NOT NULL, -- whether it shows a fork or declares a hole
    PRIMARY KEY (site, terminal, number),
    FOREIGN KEY (site, terminal) REFERENCES terminal
) STRICT, WITHOUT ROWID;
CREATE INDEX statement_by_day ON statement (site, terminal, day);
CREATE INDEX statement_covering ON statement (site, terminal, journal) WHERE covers = 1;

-- The office's last word to each journal.
CREATE TABLE receipt (
    site INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    journal BLOB NOT NULL,
    given_at INTEGER NOT NULL,
    body BLOB NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (site, terminal, journal)
) STRICT, WITHOUT ROWID;

-- Punches in the order in which they became known or became known better. Derived: it can be computed again from entries and facts.
CREATE TABLE feed (
    site INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    journal BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    version INTEGER NOT NULL,
    boot BLOB NOT NULL,
    reader TEXT NOT NULL,
    credential TEXT NOT NULL,
    best_at INTEGER NOT NULL,
    quality TEXT NOT NULL,
    day TEXT NOT NULL,
    whose TEXT NOT NULL, -- person, disabled or unknown
    staff_no TEXT,       -- for person and disabled
    PRIMARY KEY (site, terminal, journal, sequence),
    FOREIGN KEY (site, terminal, journal, sequence) REFERENCES entry
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX feed_by_version ON feed (site, version);
CREATE INDEX feed_by_day ON feed (site, day, terminal);
CREATE INDEX feed_by_person ON feed (site, staff_no, day) WHERE staff_no IS NOT NULL;
CREATE INDEX feed_by_credential ON feed (site, credential, terminal, reader);
CREATE INDEX feed_unknown ON feed (site, credential) WHERE whose <> 'person';
CREATE INDEX feed_doubtful ON feed (site, terminal, boot) WHERE quality <> 'trusted';

-- What people say. The greatest revision holds; a NULL content withdraws.
CREATE TABLE person (
    site INTEGER NOT NULL REFERENCES site, key TEXT NOT NULL, revision INTEGER NOT NULL,
    content TEXT, author TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (site, key, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE binding (
    site INTEGER NOT NULL REFERENCES site, key TEXT NOT NULL, revision INTEGER NOT NULL,
    content TEXT, author TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (site, key, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE rules (
    site INTEGER NOT NULL REFERENCES site, key TEXT NOT NULL, revision INTEGER NOT NULL,
    content TEXT, author TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (site, key, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE calendar_day (
    site INTEGER NOT NULL REFERENCES site, key TEXT NOT NULL, revision INTEGER NOT NULL,
    content TEXT, author TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (site, key, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    site INTEGER NOT NULL REFERENCES site,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX token_in_force ON token (site, name) WHERE revoked_at IS NULL;

CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER entry_is_moved_never_removed BEFORE DELETE ON entry WHEN NOT EXISTS (
    SELECT 1 FROM quarantine q WHERE (q.site, q.terminal, q.journal, q.sequence, q.hash, q.text)
        = (OLD.site, OLD.terminal, OLD.journal, OLD.sequence, OLD.hash, OLD.text)
) BEGIN SELECT RAISE(ABORT, 'an entry leaves only into quarantine'); END;
CREATE TRIGGER quarantine_is_never_changed BEFORE UPDATE ON quarantine BEGIN SELECT RAISE(ABORT, 'quarantine is append-only'); END;
CREATE TRIGGER quarantine_is_moved_never_removed BEFORE DELETE ON quarantine WHEN NOT EXISTS (
    SELECT 1 FROM entry e WHERE (e.site, e.terminal, e.journal, e.sequence, e.hash, e.text)
        = (OLD.site, OLD.terminal, OLD.journal, OLD.sequence, OLD.hash, OLD.text)
) BEGIN SELECT RAISE(ABORT, 'what is in quarantine leaves only into the journal'); END;
CREATE TRIGGER hole_is_never_changed BEFORE UPDATE ON hole BEGIN SELECT RAISE(ABORT, 'holes are append-only'); END;
CREATE TRIGGER hole_is_never_removed BEFORE DELETE ON hole BEGIN SELECT RAISE(ABORT, 'holes are append-only'); END;
CREATE TRIGGER person_is_never_changed BEFORE UPDATE ON person BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;
CREATE TRIGGER person_is_never_removed BEFORE DELETE ON person BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;
CREATE TRIGGER binding_is_never_changed BEFORE UPDATE ON binding BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;
CREATE TRIGGER binding_is_never_removed BEFORE DELETE ON binding BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;
CREATE TRIGGER rules_are_never_changed BEFORE UPDATE ON rules BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;
CREATE TRIGGER rules_are_never_removed BEFORE DELETE ON rules BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;
CREATE TRIGGER calendar_day_is_never_changed BEFORE UPDATE ON calendar_day BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;
CREATE TRIGGER calendar_day_is_never_removed BEFORE DELETE ON calendar_day BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;
