package import ControlProtocol
import GRDB
package import Procedure

/// What programs of the operator's printed in a run's steps; these may be long, and only this machine keeps them.
extension SQLiteJournal {
    /// Replaces what an earlier call has kept of the same attempt.
    package func keep(_ output: StepOutput, of run: RunID) throws(JournalError) {
        try writing { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO output (run, step, attempt, content) VALUES (?, ?, ?, ?)",
                arguments: [
                    run.description, output.place.step.description, output.place.attempt, output.text,
                ]
            )
        }
    }

    package func outputs(of run: RunID) throws(JournalError) -> [StepOutput] {
        try reading { database in
            try Row.fetchAll(
                database,
                sql: "SELECT step, attempt, content FROM output WHERE run = ? ORDER BY rowid",
                arguments: [run.description]
            ).map { row in
                StepOutput(
                    place: StepOutput.Place(
                        step: StepID(try row.value("step")),
                        attempt: try row.value("attempt")
                    ),
                    text: try row.value("content")
                )
            }
        }
    }
}
