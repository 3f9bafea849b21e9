-- What changed for images when the advisories did, and whom to tell.

-- Group: small things that everybody reads.

CREATE TABLE advisory_revision (
    revision_number INTEGER NOT NULL PRIMARY KEY,
    revision TEXT NOT NULL,
    current_since INTEGER NOT NULL
) STRICT;

CREATE TABLE webhook (
    webhook_id TEXT NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    secret_sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    last_success_at INTEGER,
    last_failure_at INTEGER,
    last_error TEXT
) STRICT, WITHOUT ROWID;

-- Group: by package.

-- Vulnerabilities that came to, left, or were rated anew for package versions that images with
-- counters show. Those after the last one that was settled (a setting) are not in risk_change yet.
CREATE TABLE finding_change (
    change_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    package_version_id INTEGER NOT NULL,
    vulnerability TEXT NOT NULL,
    -- Severity, record, feed and fixed version; NULL: not found.
    before TEXT,
    after TEXT,
    changed_at INTEGER NOT NULL
) STRICT;

-- Group: by image.

-- States of images that a change of the advisories decided anew, until they are settled.
CREATE TABLE state_change (
    image_id INTEGER NOT NULL PRIMARY KEY,
    -- JSON.
    before TEXT NOT NULL
) STRICT;

-- One row for each list of packages of which the answer changed, or for one image of which the
-- state did.
CREATE TABLE risk_change (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    revision_number INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    list_id INTEGER NOT NULL,
    -- NULL: all images that show the list.
    image_id INTEGER,
    -- -1 better, 0 both, 1 worse.
    direction INTEGER NOT NULL,
    state_before TEXT,
    state_after TEXT,
    vul_by_severity_before TEXT NOT NULL,
    vul_by_severity_after TEXT NOT NULL,
    -- Vulnerability, severity before and after, and the finding_change that it is about.
    vulnerabilities TEXT NOT NULL,
    left_out INTEGER NOT NULL
) STRICT;

CREATE INDEX risk_change_list ON risk_change (list_id, sequence);
