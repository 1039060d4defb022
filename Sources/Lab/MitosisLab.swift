import ArgumentParser
import LabKit
import Terminal

@main
struct MitosisLab {
    static func main() async { await LabCommand.runProgram() }
}
