import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 24: what the plan says of a client must be what the client does, else another's truth is split.
    package static func movedClients(_ subject: ClientsProcedure) -> Check {
        let clients = subject.clients
        return Check(
            .movedClients,
            "every client's agent may restart it, its file can be repointed, and it is connected to the source",
            remedy:
                "Allow the client's service and file in its agent's configuration (`mitosis agents configure`), and let the plan "
                + "say where its file names the source's servers",
            looking: subject.look(.joint),
            interval: ClientsProcedure.interval
        ) { fleet, _ in
            var remarks = Remarks()
            for client in clients where fleet.status(client.host) != nil {
                guard fleet.service(client.service, on: client.host) != nil else {
                    remarks.refuse(
                        "\(client.host): its agent's configuration does not allow \(client.service); add it to 'services', "
                            + "or correct line \(client.line) of the plan"
                    )
                    continue
                }
                if fleet.named(client.service, on: client.host)?.hasOwnNetwork == true {
                    remarks.refuse(
                        "\(client.title): the process of \(client.service) has a network of its own (a container?), other than "
                            + "its agent's; run both in one"
                    )
                }
                if let service = ClientHealth(client)?.unknownService(in: fleet) {
                    remarks.refuse(
                        "\(client.host): its agent's configuration does not allow \(service), which 'healthy' of \(client.title) "
                            + "names; add it to 'services', or correct line \(client.line) of the plan"
                    )
                }
                subject.remarkOnFile(of: client, fleet, &remarks)
                subject.remarkOnPlace(of: client, fleet, &remarks)
            }
            return remarks.verdict(
                "\(clients.count) files read; next: \(subject.plan.seedConnectString)"
            )
        }
    }
}

extension ClientsProcedure {
    fileprivate func remarkOnFile(of client: PlannedClient, _ fleet: FleetView, _ remarks: inout Remarks) {
        let place = "\(client.title): \(client.configPath)"
        // A silent agent is another check's finding.
        if let unread = survey.clients?.unread(of: client), !unread.isSilence {
            remarks.refuse("\(place): \(unread.reason)")
        }
        guard let file = survey.clients?.file(of: client) else { return }
        guard fleet.file(client.configPath, on: client.host)?.digest == file.digest else {
            remarks.refuse("\(place): somebody else changed it since it was read; start again")
            return
        }
        do throws(ClientFileError) {
            let read = try ClientFile(file.content, client.connect)
            _ = try RepointedClient(plan: plan, client: client).content(of: file)
            guard let connect = read.connect else { return }
            let foreign = connect.servers.filter { !isSource($0) }
            if !foreign.isEmpty {
                remarks.refuse(
                    "\(place): \(foreign.map(\.description).joined(separator: ", ")) in the \(client.connect) is no server of the "
                        + "plan's source; correct 'connect' on line \(client.line) of the plan, or the file"
                )
            }
            if connect.isSingleServer {
                remarks.warn(
                    "\(place): it names one server only, and loses its session whenever that restarts"
                )
            }
            let chroot = connect.chroot
            if !chroot.isEmpty, !isInside(client.tree, chroot), !isInside(chroot, client.tree) {
                remarks.refuse(
                    "\(place): its chroot is \(chroot), and the plan says on line \(client.line) that its tree is \(client.tree); "
                        + "let them agree"
                )
            }
        } catch {
            remarks.refuse("\(place): \(error)")
        }
    }

    /// What shows later that it is back must show now that it is there.
    fileprivate func remarkOnPlace(
        of client: PlannedClient,
        _ fleet: FleetView,
        _ remarks: inout Remarks
    ) {
        switch ailment(of: client, fleet) {
        case .lasting(let said)?:
            remarks.refuse("\(said); start it, or leave it out of the plan")
            return
        case .passing(let said)?:
            remarks.wait(said)
            return
        case nil: break
        }
        let presence = ClientPresence(
            of: client,
            on: .source,
            companions: [client],
            plan: plan,
            sighting: fleet.census[question(.joint)]
        )
        if let lacking = presence.lacking {
            remarks.wait(
                "\(client.title) \(lacking): it could not be seen whether it is back after its restart; correct 'address' "
                    + "or 'ephemerals' on line \(client.line) of the plan"
            )
        } else if let sickness = ClientHealth(client)?.lacking(in: fleet) {
            remarks.wait(
                "\(client.title) \(sickness): it could not be seen whether it is well after its restart; mend it, correct "
                    + "'healthy' on line \(client.line) of the plan, or upgrade its agent"
            )
        }
    }

    /// By address or by name, as the plan knows it.
    private func isSource(_ server: ConnectString.Server) -> Bool {
        plan.source.contains { known in
            known.clientPort == server.port
                && (known.address.lowercased() == server.host.lowercased()
                    || known.host.description == server.host.lowercased()
                    || IPAddress(server.host).map(known.allAddresses.contains) == true)
        }
    }

    private func isInside(_ path: String, _ tree: String) -> Bool {
        path == tree || path.hasPrefix(tree + "/")
    }
}
