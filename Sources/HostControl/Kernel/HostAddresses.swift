import SystemCalls
import Topology

/// The addresses of this host's interfaces at this moment.
enum HostAddresses {
    static func current() throws(FirewallError) -> [IPAddress] {
        do throws(SystemCallError) {
            return try NetworkAddresses.ofInterfaces().compactMap { IPAddress(bytes: $0) }
        } catch {
            throw .unreadable(source: error.call, detail: error.reason)
        }
    }
}
