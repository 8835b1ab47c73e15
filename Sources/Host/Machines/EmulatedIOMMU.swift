/// Which IOMMU an emulated machine has: QEMU's `intel-iommu` or `amd-iommu`.
public enum EmulatedIOMMU: Sendable { case vtd, amdVi }
