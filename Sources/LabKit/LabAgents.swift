extension Lab {
    func startAgents() async throws(LabError) {}
}
