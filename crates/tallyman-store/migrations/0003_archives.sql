-- What Java archives are, by the SHA-1 of their bytes in hexadecimal digits. Filled by hand; no
-- other table speaks of it.
CREATE TABLE archive (
    sha1 TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL
) STRICT, WITHOUT ROWID;
