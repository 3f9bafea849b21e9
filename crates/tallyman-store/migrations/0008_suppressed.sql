-- What is suppressed where, so that what changes in it can be told.

-- Group: small things that everybody reads.

-- Vulnerabilities that do not count together, with who says so. Images on servers share one; the id
-- is made of the content.
CREATE TABLE suppression_set (
    set_id INTEGER NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
) STRICT;

-- Group: by server.

-- NULL: nothing. Where something is counted and no set is named, it was counted by an earlier
-- program.
ALTER TABLE server_image ADD COLUMN suppression_set_id INTEGER;
CREATE INDEX server_image_suppression_set ON server_image (suppression_set_id)
WHERE suppression_set_id IS NOT NULL;

-- Group: by image.

-- What was suppressed before, until it is settled.
CREATE TABLE suppression_change (
    image_id INTEGER NOT NULL,
    server_uuid TEXT NOT NULL,
    before_set_id INTEGER,
    PRIMARY KEY (image_id, server_uuid)
) STRICT, WITHOUT ROWID;

-- Which images on servers a change is about: 0 all but those that risk_change_place names, 1 only
-- those.
ALTER TABLE risk_change ADD COLUMN places INTEGER NOT NULL DEFAULT 0;
-- 1: no advisory has a part in it.
ALTER TABLE risk_change ADD COLUMN is_by_suppressions INTEGER NOT NULL DEFAULT 0;
-- Who said what: vulnerabilities name these by negative numbers instead of a finding_change, the
-- first is -1.
ALTER TABLE risk_change ADD COLUMN causes TEXT;

CREATE TABLE risk_change_place (
    sequence INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    server_uuid TEXT NOT NULL,
    PRIMARY KEY (sequence, image_id, server_uuid)
) STRICT, WITHOUT ROWID;

-- Derived again, now with its sets.
DELETE FROM setting WHERE name = 'suppressions_derived_from';
