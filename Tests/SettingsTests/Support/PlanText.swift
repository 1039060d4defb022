/// What plan files of tests have in common.
enum PlanText {
    /// A plan of 3 and 3 servers that says nothing beyond what it must; further sections may follow.
    static let servers = servers(adding: "")

    /// - Parameter keys: further lines before `source`, each with its end.
    static func servers(adding keys: String) -> String {
        """
        version: 1
        name: kafka-a
        pki: {directory: pki, coordinator: ops}
        \(keys)source:
          servers:
            - {id: 1, host: s1, address: 198.51.100.11}
            - {id: 2, host: s2, address: 198.51.100.12}
            - {id: 3, host: s3, address: 198.51.100.13}
        destination:
          servers:
            - {id: 4, host: d1, address: 198.51.100.21}
            - {id: 5, host: d2, address: 198.51.100.22}
            - {id: 6, host: d3, address: 198.51.100.23}

        """
    }
}
