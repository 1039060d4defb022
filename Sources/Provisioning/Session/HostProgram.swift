import ControlProtocol

/// The shell program that a host reads first: it looks, says what it saw, and takes files into a staging folder.
///
/// It changes nothing but that folder; everything that must last is done by `mitosis-agent provision`.
package struct HostProgram: Hashable, Sendable {
    package let text: String

    /// - Parameters:
    ///   - changes: whether anything may follow the look; then the host is locked, and what was broken off is ended first.
    ///   - configs: configuration files that are looked for, besides the usual ones.
    ///   - units: units that are looked for, besides the usual ones.
    ///   - seconds: after which nobody waits for it any more. A connection that is cut tells a host nothing, for hours: by then it
    ///     gives the lock back by itself.
    package init(changes: Bool, configs: [String] = [], units: [String] = [], seconds: Int64) {
        let looked = configs.map(Self.quoted).joined(separator: " ")
        text = """
            work=\(ProvisionedFile.workFolder) changes=\(changes ? 1 : 0) limit=\(seconds)
            units=\(Self.quoted(units.joined(separator: " ")))
            set -- \(looked)

            """ + Self.body
    }

    /// As one word of a shell.
    static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

    private static let body = #"""
        PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
        export PATH LC_ALL
        umask 077
        fact() { [ -z "$2" ] || printf 'fact %s %s\n' "$1" "$(printf %s "$2" | tr '\n\r' '  ')"; }
        coded() { [ -f "$2" ] && [ "$(stat -L -c %s "$2")" -le 262144 ] && fact "$1" "$(base64 -w0 "$2")"; }
        locked= watchdog=
        # What it starts must not hold the lock, nor the channel to the coordinator.
        watch() {
            (
                sleep "$limit" &
                nap=$!
                trap 'kill "$nap"; exit 0' TERM
                wait "$nap" && read -r pid name state parent rest </proc/self/stat && [ "$parent" = $$ ] && kill -KILL $$
            ) </dev/null >/dev/null 2>&1 9>&- &
            watchdog=$!
        }
        unwatch() { [ -z "$watchdog" ] || kill "$watchdog" 2>/dev/null; watchdog=; }
        take_lock() {
            [ -n "$locked" ] && return 0
            mkdir -p -m 700 "$work" || { echo "refused $work cannot be made: see the free space and mounts there"; exit 75; }
            exec 9>"$work/lock"
            flock -n 9 || { echo "refused another installation is under way on this host; wait for its end"; exit 75; }
            locked=1
            watch
        }
        clean_up() {
            unwatch
            [ -n "$locked" ] && [ ! -e "$work/journal.json" ] && rm -rf "$work"
        }
        trap clean_up EXIT
        trap 'exit 75' HUP INT TERM PIPE
        fact uid "$(id -u)"
        if [ "$(id -u)" != 0 ]; then echo end; exit 0; fi
        if [ "$changes" = 1 ]; then
            take_lock
            if [ -e "$work/journal.json" ]; then
                for agent in "$work/stage/mitosis-agent" /usr/bin/mitosis-agent; do
                    if [ -x "$agent" ]; then "$agent" provision --recover </dev/null && fact recovered yes; break; fi
                done
            fi
        fi
        [ -e "$work/journal.json" ] && fact interrupted yes
        fact machine "$(uname -m)"
        fact kernel "$(uname -sr)"
        fact system "$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME")"
        fact glibc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
        fact libssl "$(ldconfig -p 2>/dev/null | grep -m1 'libssl\.so\.3 ' | sed 's/.*=> //')"
        [ -d /run/systemd/system ] && fact systemd "$(systemctl --version | head -n 1)"
        for tool in nft iptables-nft iptables-legacy iptables dd sha256sum base64 flock; do
            fact "tool" "$(command -v $tool >/dev/null && echo $tool)"
        done
        fact iptables "$(iptables --version 2>/dev/null)"
        fact clock "$(date +%s)"
        for folder in /usr/bin /etc /var/lib; do
            fact free "$folder $(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"
        done
        for unit in $units zookeeper.service kafka.service; do
            state=$(systemctl show --property=LoadState --value "$unit" 2>/dev/null)
            [ "$state" = loaded ] && fact unit "$unit"
        done
        for file in "$@" /etc/zookeeper/conf/zoo.cfg /etc/zookeeper/zoo.cfg /opt/zookeeper/conf/zoo.cfg \
            /etc/kafka/server.properties /opt/kafka/config/server.properties; do
            [ -f "$file" ] || continue
            fact config "$file"
            fact logdirs "$file $(grep -E '^[[:space:]]*log\.dirs?[[:space:]]*[=:]' "$file" | tail -n 1)"
        done
        for file in /usr/bin/mitosis-agent /etc/systemd/system/mitosis-agent.service /etc/mitosis/agent.yaml \
            /etc/systemd/system/mitosis-agent.service.d/paths.conf /etc/mitosis/tls/ca.pem /etc/mitosis/tls/ca.crl \
            /etc/mitosis/tls/agent.pem /etc/mitosis/tls/agent.key /etc/systemd/system/mitosis-lapse.path \
            /etc/systemd/system/mitosis-lapse.service /etc/systemd/system/mitosis-lapse.service.d/paths.conf; do
            [ -f "$file" ] && fact digest "$file $(sha256sum <"$file" | cut -d' ' -f1)"
        done
        for file in /etc/systemd/system/*.service.d/mitosis-hold.conf; do
            [ -f "$file" ] && head -n 1 "$file" | grep -q '^# Written by mitosis agents' &&
                fact digest "$file $(sha256sum <"$file" | cut -d' ' -f1)"
        done
        coded yaml /etc/mitosis/agent.yaml
        coded certificate /etc/mitosis/tls/agent.pem
        fact package "$(dpkg-query -S /usr/bin/mitosis-agent 2>/dev/null || rpm -qf /usr/bin/mitosis-agent 2>/dev/null)"
        fact active "$(systemctl is-active mitosis-agent.service 2>/dev/null)"
        fact enabled "$(systemctl is-enabled mitosis-agent.service 2>/dev/null)"
        fact watching "$(echo $(systemctl is-active mitosis-lapse.path) $(systemctl is-enabled mitosis-lapse.path 2>/dev/null))"
        [ -x /usr/bin/mitosis-agent ] && /usr/bin/mitosis-agent provision --look </dev/null 2>/dev/null
        [ -x /usr/bin/mitosis-agent ] && fact version "$(/usr/bin/mitosis-agent --version 2>/dev/null)"
        echo end
        while IFS=' ' read -r verb name size; do
            case $verb in
            stage)
                take_lock
                rm -rf "$work/stage" && mkdir -m 700 "$work/stage" || exit 75 ;;
            file)
                case $name in */*|.*|'') exit 75 ;; esac
                dd bs=65536 iflag=fullblock,count_bytes count="$size" of="$work/stage/$name" 2>/dev/null 9>&-
                if [ "$(stat -c %s "$work/stage/$name")" != "$size" ]; then
                    echo "refused $name did not arrive whole: see the free space in /var/lib, and the connection"; exit 75
                fi ;;
            run)
                agent=/usr/bin/mitosis-agent
                [ -e "$work/stage/mitosis-agent" ] && agent=$work/stage/mitosis-agent && chmod 700 "$agent"
                unwatch
                "$agent" --version >/dev/null || { echo "refused $agent does not run on this host (mounted noexec?)"; exit 75; }
                "$agent" provision
                exit $? ;;
            *) exit 0 ;;
            esac
        done

        """#
}
