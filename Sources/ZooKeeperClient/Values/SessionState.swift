/// Where a session stands, as its client last heard.
package enum SessionState: Hashable, Sendable {
    /// No connection at the moment; the session may live on at the servers.
    case connecting
    /// `timeout` is what the server granted.
    case connected(SessionID, timeout: Duration)
    /// For good.
    case ended(ZooKeeperError)
}
