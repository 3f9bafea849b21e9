-- The first schema. Times are milliseconds since the epoch, UTC. Identifiers are made by the
-- program: digests, UUIDs, or the first 63 bits of a SHA-256 of what the row is about.
-- No foreign key and no unique key crosses the groups below, so that each group can be spread
-- over machines by its own key.

-- Group: small things that everybody reads.

CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A counter per area, raised in the transaction that changes the area: a cache is good for as
-- long as the counter stands still.
CREATE TABLE epoch (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ram_user (
    user_name TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE access_key (
    access_key_id TEXT NOT NULL PRIMARY KEY,
    -- NULL: the account itself.
    user_name TEXT REFERENCES ram_user (user_name),
    kind TEXT NOT NULL CHECK (kind IN ('long', 'session')),
    secret_sealed BLOB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('Active', 'Inactive')),
    security_token_hash TEXT,
    session_policy TEXT,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX access_key_user ON access_key (user_name, access_key_id);
CREATE INDEX access_key_expiry ON access_key (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE ram_policy (
    policy_name TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE policy_attachment (
    user_name TEXT NOT NULL REFERENCES ram_user (user_name),
    policy_name TEXT NOT NULL,
    -- A system policy is part of the program and has no row in ram_policy.
    policy_type TEXT NOT NULL CHECK (policy_type IN ('System', 'Custom')),
    PRIMARY KEY (user_name, policy_type, policy_name)
) STRICT, WITHOUT ROWID;

CREATE INDEX policy_attachment_policy ON policy_attachment (policy_type, policy_name);

-- Group: by access key.

CREATE TABLE nonce (
    access_key_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (access_key_id, nonce)
) STRICT, WITHOUT ROWID;

CREATE INDEX nonce_expiry ON nonce (expires_at);

-- Group: by layer digest. Inventories are named by the digest of their content.

CREATE TABLE layer_inventory (
    inventory_digest TEXT NOT NULL PRIMARY KEY,
    inventory BLOB NOT NULL
) STRICT;

CREATE TABLE layer (
    digest TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    -- '': read by a trusted worker, good for everybody. Else the UUID of the one server whose
    -- agent says so.
    scope TEXT NOT NULL,
    inventory_digest TEXT NOT NULL,
    analyzed_at INTEGER NOT NULL,
    PRIMARY KEY (digest, fingerprint, scope)
) STRICT, WITHOUT ROWID;

-- Group: by package.

CREATE TABLE package_version (
    package_version_id INTEGER NOT NULL PRIMARY KEY,
    ecosystem TEXT NOT NULL,
    release TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    architecture TEXT NOT NULL,
    source_name TEXT NOT NULL,
    source_version TEXT NOT NULL,
    advisory_name TEXT NOT NULL,
    -- The advisory revision under which the findings were written; NULL: to be matched.
    matched_revision TEXT
) STRICT;

CREATE INDEX package_version_key ON package_version (ecosystem, release, advisory_name);
CREATE INDEX package_version_unmatched ON package_version (package_version_id)
WHERE matched_revision IS NULL;

CREATE TABLE finding (
    package_version_id INTEGER NOT NULL,
    vulnerability TEXT NOT NULL,
    -- 0 unknown, 1 negligible, 2 low, 3 medium, 4 high, 5 critical.
    severity INTEGER NOT NULL,
    advisory TEXT NOT NULL,
    data TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    PRIMARY KEY (package_version_id, vulnerability)
) STRICT;

CREATE INDEX finding_vulnerability ON finding (vulnerability, package_version_id);

CREATE TABLE image_package (
    package_version_id INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    PRIMARY KEY (package_version_id, image_id)
) STRICT, WITHOUT ROWID;

-- Group: by image. What lists show stands first, so that reading it never touches the pages
-- that the long columns overflow into.

CREATE TABLE image (
    image_id INTEGER NOT NULL PRIMARY KEY,
    image_key TEXT NOT NULL UNIQUE,
    config_digest TEXT NOT NULL,
    manifest_digest TEXT,
    platform TEXT NOT NULL,
    created_at INTEGER,
    size_bytes INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('analyzed', 'unsupported', 'failed')),
    state_reason TEXT,
    vul_count INTEGER NOT NULL,
    vul_by_severity TEXT NOT NULL,
    alarm_count INTEGER NOT NULL,
    row_version INTEGER NOT NULL,
    analyzed_at INTEGER NOT NULL,
    -- The advisory revision of the last change of the counters; NULL: not yet counted.
    matched_revision TEXT,
    fingerprint TEXT NOT NULL,
    distribution TEXT,
    layers TEXT NOT NULL,
    alerts TEXT NOT NULL,
    diagnostics BLOB NOT NULL,
    packages BLOB NOT NULL
) STRICT;

CREATE INDEX image_config ON image (config_digest);
CREATE INDEX image_manifest ON image (manifest_digest) WHERE manifest_digest IS NOT NULL;

-- Images whose counters are to be computed again.
CREATE TABLE stale_image (
    image_id INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- Group: by server.

CREATE TABLE server (
    server_uuid TEXT NOT NULL PRIMARY KEY,
    hostname TEXT NOT NULL,
    -- Each address between two commas, for an exact search.
    ip_addresses TEXT NOT NULL,
    agent_version TEXT,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    -- When it last reported its images; every row of server_image was there then.
    images_reported_at INTEGER,
    -- Sums over its images; a failed or unsupported image is not judged.
    image_count INTEGER NOT NULL,
    vul_count INTEGER NOT NULL,
    alarm_count INTEGER NOT NULL,
    unjudged_count INTEGER NOT NULL,
    -- Raised when anything that a list of its images shows has changed.
    row_version INTEGER NOT NULL,
    facts TEXT NOT NULL
) STRICT;

CREATE TABLE server_image (
    server_uuid TEXT NOT NULL,
    image_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    names TEXT NOT NULL,
    engine TEXT NOT NULL,
    registry TEXT,
    first_seen_at INTEGER NOT NULL,
    PRIMARY KEY (server_uuid, image_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX server_image_image ON server_image (image_id);

-- Group: work.

CREATE TABLE job (
    job_id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    job_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'dead')),
    priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    lease_until INTEGER,
    owner TEXT,
    attempt INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    -- 1: asked for again while it ran; it is queued again when it finishes.
    again INTEGER NOT NULL,
    progress TEXT,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, job_key)
) STRICT;

CREATE INDEX job_queue ON job (kind, priority DESC, run_at, job_id) WHERE state = 'queued';
CREATE INDEX job_lease ON job (lease_until) WHERE state = 'running';
