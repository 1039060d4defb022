enum HostControlPlaceholder {}
