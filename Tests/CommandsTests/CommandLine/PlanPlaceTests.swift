import Drafting
import FoundationEssentials
import Settings
import TestSupport
import Testing

@testable import Commands

@Suite("Where a drafted plan lies")
struct PlanPlaceTests {
    private func inventory(in folder: TemporaryFolder) throws -> Inventory {
        try FileManager.default.createDirectory(
            atPath: folder.path + "/pki",
            withIntermediateDirectories: false
        )
        let text = "version: 1\nname: a\npki: {directory: ./pki, coordinator: ops}\nhosts: [{host: s1}]\n"
        return try InventoryReader.read(path: try folder.write(text, to: "hosts.yaml"))
    }

    @Test(
        "what lies beside or below it is named relative to it, all else by its whole path, links and dots resolved"
    )
    func paths() throws {
        let folder = try TemporaryFolder()
        let inventory = try inventory(in: folder)
        let beside = try PlanPlace(inventory: inventory, output: folder.path + "/p.yaml").draft
        #expect(beside.inventory == "./hosts.yaml" && beside.pkiDirectory == "./pki")
        try FileManager.default.createDirectory(
            atPath: folder.path + "/plans",
            withIntermediateDirectories: false
        )
        let elsewhere = try PlanPlace(inventory: inventory, output: folder.path + "/plans/p.yaml").draft
        #expect(elsewhere.inventory.hasPrefix("/") && elsewhere.inventory.hasSuffix("/hosts.yaml"))
        #expect(elsewhere.pkiDirectory.hasPrefix("/") && !elsewhere.pkiDirectory.contains("plans"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/link",
            withDestinationPath: folder.path + "/plans"
        )
        let linked = try PlanPlace(inventory: inventory, output: folder.path + "/link/../link/p.yaml").draft
        #expect(linked.inventory == elsewhere.inventory && linked.pkiDirectory == elsewhere.pkiDirectory)
    }

    @Test("what is there already is refused, also a link to nothing, and a folder that is not there")
    func taken() throws {
        let folder = try TemporaryFolder()
        let inventory = try inventory(in: folder)
        let path = try folder.write("precious", to: "p.yaml")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/dangling",
            withDestinationPath: "/nowhere"
        )
        for output in [path, folder.path + "/dangling"] {
            #expect {
                try PlanPlace(inventory: inventory, output: output)
            } throws: {
                "\($0)" == "\(output): is there already, and is not written over; name another file"
            }
        }
        #expect(throws: Complaint.self) {
            try PlanPlace(inventory: inventory, output: folder.path + "/none/p.yaml")
        }
    }
}
