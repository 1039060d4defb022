import GRDB

/// The journal's tables.
///
/// Migrations are named and ordered; one that was released is never edited.
enum JournalSchema {
    static let runSum = """
        mitosis_crc32c(rowid, id, plan, planDigest, startedAt, epoch, survey, facts, ending, endedAt)
        """
    static let stepSum = "mitosis_crc32c(rowid, run, step, attempt, commands, intendedAt, verdict, decidedAt)"

    static let outputSum = "mitosis_crc32c(rowid, run, step, attempt, content)"

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("runs and steps") { database in
            try database.execute(
                sql: """
                    CREATE TABLE run (
                        id TEXT PRIMARY KEY NOT NULL,
                        plan TEXT NOT NULL,
                        planDigest TEXT NOT NULL,
                        startedAt INTEGER NOT NULL,
                        epoch INTEGER NOT NULL,
                        survey BLOB NOT NULL,
                        facts BLOB NOT NULL,
                        ending TEXT,
                        endedAt INTEGER
                    );
                    CREATE TABLE step (
                        run TEXT NOT NULL REFERENCES run (id),
                        step TEXT NOT NULL,
                        attempt INTEGER NOT NULL,
                        commands BLOB NOT NULL,
                        intendedAt INTEGER NOT NULL,
                        verdict BLOB,
                        decidedAt INTEGER,
                        UNIQUE (run, step, attempt)
                    );
                    """
            )
        }
        migrator.registerMigration("checksums") { database in
            try database.execute(
                sql: """
                    ALTER TABLE run ADD COLUMN sum INTEGER;
                    ALTER TABLE step ADD COLUMN sum INTEGER;
                    CREATE TABLE tally (runs INTEGER NOT NULL, steps INTEGER NOT NULL);
                    INSERT INTO tally SELECT (SELECT COUNT(*) FROM run), (SELECT COUNT(*) FROM step);
                    UPDATE run SET sum = \(runSum);
                    UPDATE step SET sum = \(stepSum);
                    CREATE TRIGGER runBegun AFTER INSERT ON run BEGIN
                        UPDATE run SET sum = \(runSum) WHERE rowid = NEW.rowid;
                        UPDATE tally SET runs = runs + 1;
                    END;
                    CREATE TRIGGER runChanged
                    AFTER UPDATE OF id, plan, planDigest, startedAt, epoch, survey, facts, ending, endedAt ON run BEGIN
                        UPDATE run SET sum = \(runSum) WHERE rowid = NEW.rowid;
                    END;
                    CREATE TRIGGER stepBegun AFTER INSERT ON step BEGIN
                        UPDATE step SET sum = \(stepSum) WHERE rowid = NEW.rowid;
                        UPDATE tally SET steps = steps + 1;
                    END;
                    CREATE TRIGGER stepChanged
                    AFTER UPDATE OF run, step, attempt, commands, intendedAt, verdict, decidedAt ON step BEGIN
                        UPDATE step SET sum = \(stepSum) WHERE rowid = NEW.rowid;
                    END;
                    """
            )
        }
        // Each entry bears the digest of the one before: what changed shows when it is read.
        migrator.registerMigration("chains") { database in
            try database.execute(
                sql: """
                    CREATE TABLE chain (
                        run TEXT NOT NULL REFERENCES run (id),
                        number INTEGER NOT NULL,
                        previous TEXT,
                        content BLOB NOT NULL,
                        PRIMARY KEY (run, number)
                    );
                    """
            )
        }
        // What programs of the operator's printed; no chain has it.
        migrator.registerMigration("outputs") { database in
            try database.execute(
                sql: """
                    CREATE TABLE output (
                        run TEXT NOT NULL REFERENCES run (id),
                        step TEXT NOT NULL,
                        attempt INTEGER NOT NULL,
                        content TEXT NOT NULL,
                        sum INTEGER,
                        PRIMARY KEY (run, step, attempt)
                    );
                    CREATE TRIGGER outputKept AFTER INSERT ON output BEGIN
                        UPDATE output SET sum = \(outputSum) WHERE rowid = NEW.rowid;
                    END;
                    """
            )
        }
        // What a run told; no chain has it.
        migrator.registerMigration("events") { database in
            try database.execute(
                sql: """
                    CREATE TABLE event (
                        run TEXT NOT NULL REFERENCES run (id),
                        number INTEGER NOT NULL,
                        content BLOB NOT NULL,
                        PRIMARY KEY (run, number)
                    );
                    """
            )
        }
        return migrator
    }
}
