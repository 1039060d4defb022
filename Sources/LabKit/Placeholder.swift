enum LabKitPlaceholder {}
