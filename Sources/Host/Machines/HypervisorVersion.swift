/// The version of the hypervisor that this checkout builds, and of the tool.
public enum HypervisorVersion {
    public static let text = "0.1.0"
}
