package import ControlProtocol

/// The two units that undo a division whose coordinator has left it, while the agent does not run: one sees that there is an order
/// that may lapse, and starts the other, which waits and undoes it.
///
/// With the usual state directory they are deploy/mitosis-lapse.path and .service, byte for byte.
package struct LapseUnits: Sendable {
    private let state: String

    package init(state: String) { self.state = state }

    package func text(of file: ProvisionedFile) -> String? {
        switch file {
        case .lapsePath: path
        case .lapseService: service
        case .binary, .unit, .dropIn, .lapseDropIn, .configuration, .authority, .revocationList, .certificate,
            .key:
            nil
        }
    }

    private var path: String {
        // Taken as it is to the end of its line, but for its percent signs.
        let marker = "\(state)/orders/lapses".replacing("%", with: "%%")
        return """
            [Unit]
            Description=Sees an order of this host's that may lapse
            Documentation=man:mitosis-agent(1) file:///usr/share/doc/mitosis-agent/README.md

            [Path]
            # There for as long as such an order is; the agent makes and removes it.
            PathExists=\(marker)

            [Install]
            WantedBy=paths.target

            """
    }

    private var service: String {
        let option = state == LocalPlaces.usualState ? "" : " --state \(HoldDropIn.quoted(state))"
        return """
            [Unit]
            Description=Undoes a division on this host that its coordinator has left
            Documentation=man:mitosis-agent(1) file:///usr/share/doc/mitosis-agent/README.md
            # However often it ends, it is started again while there is something to undo. It needs neither the agent nor a network.
            StartLimitIntervalSec=0

            [Service]
            Type=exec
            # Waits, and undoes it when it is due; ends when there is nothing left to undo. Reads nothing but the orders.
            ExecStart=/usr/bin/mitosis-agent --lapse-watch\(option)
            Restart=on-failure
            RestartSec=2
            # What it has started lives on.
            KillMode=process
            UMask=0077
            LimitNOFILE=4096
            OOMScoreAdjust=-500
            OOMPolicy=continue

            # It writes configuration files anywhere with their owners, talks to the packet filter and to systemd, and looks into other
            # processes' /proc entries. Nothing else. Not narrowed to paths, as the agent's unit can be: an order names files of its time.
            # Below /usr, /home and /root only where a drop-in says so: "mitosis-agent --print-lapse-drop-in", by the paths of agent.yaml.
            User=root
            CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_CHOWN CAP_FOWNER CAP_SYS_PTRACE CAP_KILL
            AmbientCapabilities=
            NoNewPrivileges=yes
            ProtectSystem=yes
            ReadOnlyPaths=-/etc/mitosis
            ProtectHome=read-only
            PrivateMounts=yes
            ProtectProc=ptraceable
            PrivateDevices=yes
            ProtectClock=yes
            ProtectHostname=yes
            ProtectKernelLogs=yes
            ProtectKernelModules=yes
            ProtectKernelTunables=yes
            ProtectControlGroups=yes
            RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
            RestrictNamespaces=yes
            RestrictRealtime=yes
            RestrictSUIDSGID=yes
            LockPersonality=yes
            SystemCallArchitectures=native
            SystemCallFilter=@system-service
            SystemCallErrorNumber=EPERM

            """
    }
}
