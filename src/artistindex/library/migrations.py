"""The library's tables: one migration after the other, never changed once released."""

from artistindex.library.database import Migration
from artistindex.library.recordings import decide_all

MIGRATIONS: tuple[Migration, ...] = (
    """
    CREATE TABLE artists (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        folded TEXT NOT NULL,
        spotify_id TEXT UNIQUE,
        deezer_id TEXT UNIQUE,
        musicbrainz_id TEXT UNIQUE
    ) STRICT;
    CREATE INDEX artists_folded ON artists (folded);

    CREATE TABLE requests (
        name TEXT PRIMARY KEY,
        artist_id INTEGER REFERENCES artists ON DELETE CASCADE,
        asked TEXT NOT NULL
    ) STRICT;
    CREATE INDEX requests_artist ON requests (artist_id);

    CREATE TABLE tracks (
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL,
        album TEXT,
        duration REAL,
        isrc TEXT,
        catalogue TEXT,
        catalogue_id TEXT,
        stage TEXT NOT NULL DEFAULT 'listed'
            CHECK (stage IN ('listed', 'matched', 'fetched', 'embedded')),
        source TEXT CHECK (source IN ('file', 'youtube', 'preview')),
        source_id TEXT,
        match_score REAL,
        match_reason TEXT,
        path ANY UNIQUE,
        size INTEGER,
        mtime_ns INTEGER,
        audio_sha256 TEXT,
        UNIQUE (catalogue, catalogue_id)
    ) STRICT;

    CREATE TABLE credits (
        artist_id INTEGER NOT NULL REFERENCES artists ON DELETE CASCADE,
        track_id INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
        position INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (artist_id, track_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX credits_track ON credits (track_id);

    CREATE TABLE track_vectors (
        track_id INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
        model TEXT NOT NULL,
        weights_sha256 TEXT NOT NULL,
        precision TEXT NOT NULL,
        excerpt TEXT NOT NULL,
        engine TEXT NOT NULL,
        patches INTEGER NOT NULL,
        dimension INTEGER NOT NULL,
        vector BLOB NOT NULL,
        made TEXT NOT NULL,
        PRIMARY KEY (track_id, model, weights_sha256, precision, excerpt),
        CHECK (length(vector) = 4 * dimension)
    ) STRICT;

    CREATE TABLE failures (
        id INTEGER PRIMARY KEY,
        what TEXT NOT NULL,
        artist TEXT,
        stage TEXT NOT NULL,
        reason TEXT NOT NULL,
        retryable INTEGER NOT NULL,
        at TEXT NOT NULL,
        track_id INTEGER REFERENCES tracks ON DELETE CASCADE,
        model TEXT NOT NULL DEFAULT '',
        UNIQUE (what, stage, model)
    ) STRICT;
    CREATE INDEX failures_track ON failures (track_id);
    """,
    """
    CREATE TABLE imported_vectors (
        artist_id INTEGER NOT NULL REFERENCES artists ON DELETE CASCADE,
        model TEXT NOT NULL,
        weights_sha256 TEXT NOT NULL,
        precision TEXT NOT NULL,
        excerpt TEXT NOT NULL,
        dimension INTEGER NOT NULL,
        vector BLOB NOT NULL,
        tracks TEXT NOT NULL,
        licence TEXT NOT NULL,
        preferred INTEGER NOT NULL,
        made TEXT NOT NULL,
        PRIMARY KEY (artist_id, model, weights_sha256, precision, excerpt),
        CHECK (length(vector) = 4 * dimension)
    ) STRICT;
    """,
    """
    ALTER TABLE tracks ADD COLUMN billing TEXT NOT NULL DEFAULT '[]';
    UPDATE tracks SET billing = (
        SELECT json_group_array(artists.name) FROM credits JOIN artists ON artist_id = artists.id
        WHERE track_id = tracks.id
    ) WHERE catalogue IS NOT NULL;
    """,
    """
    ALTER TABLE tracks ADD COLUMN recording INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE tracks ADD COLUMN title_key TEXT NOT NULL DEFAULT '';
    UPDATE tracks SET recording = id;
    CREATE INDEX tracks_recording ON tracks (recording);
    CREATE INDEX tracks_title_key ON tracks (title_key);
    CREATE INDEX tracks_audio ON tracks (audio_sha256);
    CREATE INDEX tracks_isrc ON tracks (isrc);
    """,
    """
    ALTER TABLE tracks ADD COLUMN musicbrainz_id TEXT;
    ALTER TABLE tracks ADD COLUMN guessed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE tracks ADD COLUMN folder ANY;
    ALTER TABLE tracks ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX tracks_musicbrainz_id ON tracks (musicbrainz_id);
    CREATE INDEX tracks_size_mtime ON tracks (size, mtime_ns);
    """,
    decide_all,
    """
    CREATE TABLE layered_vectors (
        track_id INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
        model TEXT NOT NULL,
        weights_sha256 TEXT NOT NULL,
        precision TEXT NOT NULL,
        excerpt TEXT NOT NULL,
        layer TEXT NOT NULL,
        engine TEXT NOT NULL,
        patches INTEGER NOT NULL,
        dimension INTEGER NOT NULL,
        vector BLOB NOT NULL,
        deviation BLOB,
        made TEXT NOT NULL,
        PRIMARY KEY (track_id, model, weights_sha256, precision, excerpt, layer),
        CHECK (length(vector) = 4 * dimension),
        CHECK (deviation IS NULL OR length(deviation) = 4 * dimension)
    ) STRICT;
    INSERT INTO layered_vectors
        SELECT track_id, model, weights_sha256, precision, excerpt, '', engine, patches, dimension,
            vector, NULL, made FROM track_vectors;
    DROP TABLE track_vectors;
    ALTER TABLE layered_vectors RENAME TO track_vectors;

    CREATE TABLE pooled_imports (
        artist_id INTEGER NOT NULL REFERENCES artists ON DELETE CASCADE,
        model TEXT NOT NULL,
        weights_sha256 TEXT NOT NULL,
        precision TEXT NOT NULL,
        excerpt TEXT NOT NULL,
        layer TEXT NOT NULL,
        pooling TEXT NOT NULL,
        dimension INTEGER NOT NULL,
        vector BLOB NOT NULL,
        tracks TEXT NOT NULL,
        licence TEXT NOT NULL,
        preferred INTEGER NOT NULL,
        made TEXT NOT NULL,
        PRIMARY KEY (artist_id, model, weights_sha256, precision, excerpt, layer, pooling),
        CHECK (length(vector) = 4 * dimension)
    ) STRICT;
    INSERT INTO pooled_imports
        SELECT artist_id, model, weights_sha256, precision, excerpt, '', 'mean', dimension, vector,
            tracks, licence, preferred, made FROM imported_vectors;
    DROP TABLE imported_vectors;
    ALTER TABLE pooled_imports RENAME TO imported_vectors;
    """,
    """
    CREATE TABLE index_states (
        folder TEXT PRIMARY KEY,
        manifest_sha256 TEXT NOT NULL,
        version TEXT NOT NULL,
        artists BLOB NOT NULL,
        licences TEXT NOT NULL,
        odd TEXT NOT NULL,
        fitted_artists INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX track_vectors_made ON track_vectors
        (model, weights_sha256, precision, excerpt, layer, track_id, made);
    """,
)
