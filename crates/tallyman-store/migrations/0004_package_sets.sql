-- What layers bring to images is shared: equal sets of packages are one row, and images that show
-- the same sets are one row more, which carries the counters. So a fleet of images that are built
-- of few layers costs a row or two for each image, and a change of the advisories is counted once
-- for all images that show the same.

-- Group: by package.

CREATE TABLE package_set (
    set_id INTEGER NOT NULL PRIMARY KEY,
    -- Of the set's content; the id is made of its beginning.
    sha256 BLOB NOT NULL,
    -- The ecosystems and releases of its packages.
    kinds TEXT NOT NULL,
    -- Package versions and paths.
    packages BLOB NOT NULL
) STRICT;

CREATE TABLE package_set_member (
    package_version_id INTEGER NOT NULL,
    set_id INTEGER NOT NULL,
    PRIMARY KEY (package_version_id, set_id)
) STRICT, WITHOUT ROWID;

-- Sets of which a finding differs since the lists that show them were counted.
CREATE TABLE stale_set (
    set_id INTEGER NOT NULL PRIMARY KEY,
    -- Rises with each difference.
    mark INTEGER NOT NULL
) STRICT;

-- Group: by image.

CREATE TABLE package_list (
    list_id INTEGER NOT NULL PRIMARY KEY,
    -- Pairs of a set and the place of the layer that brings it, the base first. The id is made of
    -- it.
    sets TEXT NOT NULL,
    vul_count INTEGER NOT NULL,
    vul_by_severity TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    -- The advisory revision of the last change of the counters; NULL: not yet counted.
    matched_revision TEXT
) STRICT;

CREATE INDEX package_list_uncounted ON package_list (list_id) WHERE matched_revision IS NULL;

CREATE TABLE package_list_set (
    set_id INTEGER NOT NULL,
    list_id INTEGER NOT NULL,
    PRIMARY KEY (set_id, list_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE image ADD COLUMN list_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX image_list ON image (list_id);
