-- Group: small things that everybody reads.

-- What VEX documents say, as this program understood them.
CREATE TABLE vex_document (
    document_id TEXT NOT NULL PRIMARY KEY,
    format TEXT NOT NULL,
    author TEXT NOT NULL,
    updated_at INTEGER,
    imported_at INTEGER NOT NULL,
    statement_count INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE ignore_rule (
    rule_id TEXT NOT NULL PRIMARY KEY,
    rule TEXT NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

-- Group: by server.

-- The vulnerabilities of the image that do not count on this server, by statements and rules.
ALTER TABLE server_image ADD COLUMN suppressed_count INTEGER NOT NULL DEFAULT 0;
CREATE INDEX server_image_suppressed ON server_image (image_id) WHERE suppressed_count > 0;
