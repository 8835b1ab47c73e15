/// What the VM-instruction error field says of a VMX instruction that failed (Intel SDM volume 3C, section 31.4; 30.4 in
/// editions before 2023), in our words.
public enum VMXInstructionError {
    public static func text(_ number: UInt32) -> StaticString {
        switch number {
        case 1: "VMCALL by the hypervisor itself"
        case 2: "VMCLEAR of an address that cannot be a VMCS"
        case 3: "VMCLEAR of the VMXON region"
        case 4: "VMLAUNCH of a VMCS that has been launched already"
        case 5: "VMRESUME of a VMCS that was never launched"
        case 6: "VMRESUME of a VMCS launched before VMX was turned off"
        case 7: "VM entry with controls that the processor does not take"
        case 8: "VM entry with host state that the processor does not take"
        case 9: "VMPTRLD of an address that cannot be a VMCS"
        case 10: "VMPTRLD of the VMXON region"
        case 11: "VMPTRLD of a VMCS with another revision"
        case 12: "VMREAD or VMWRITE of a field that the processor does not have"
        case 13: "VMWRITE of a read-only field"
        case 15: "VMXON while VMX is on"
        case 16: "VM entry with an executive VMCS pointer that is no VMCS"
        case 17: "VM entry with an executive VMCS that was never launched"
        case 18: "VM entry with an executive VMCS pointer that is not the VMXON region"
        case 19: "VMCALL to the SMM monitor with a VMCS that was launched"
        case 20: "VMCALL to the SMM monitor with exit controls that the processor does not take"
        case 22: "VMCALL to an SMM monitor with another revision"
        case 23: "VMXOFF while an SMM monitor is active"
        case 24: "VMCALL to an SMM monitor with features that the processor does not have"
        case 25: "VM entry out of SMM with controls in the executive VMCS that the processor does not take"
        case 26: "VM entry while MOV SS blocks events"
        case 28: "INVEPT or INVVPID with an operand that the processor does not take"
        default: "an error that the manual does not list"
        }
    }
}
