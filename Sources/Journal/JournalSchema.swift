import GRDB

/// The journal's tables.
///
/// Migrations are named and ordered; one that was released is never edited.
enum JournalSchema {
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
        return migrator
    }
}
