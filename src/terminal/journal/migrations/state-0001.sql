-- What is known of each journal beside its file (the office's mark and receipt, its end as last seen): JSON with its digest.
CREATE TABLE journal (
    journal TEXT PRIMARY KEY,
    text    TEXT NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Small values kept for the other parts of the program, with their digest.
CREATE TABLE kept (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    hash  BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
