import Silicon

@c(hypervisor_main)
public func main(image: UInt, table: UInt) -> UInt {
    let s: StaticString = "hello\r\n"
    for i in 0..<s.utf8CodeUnitCount { cpu_out8(0x3F8, unsafe s.utf8Start[i]) }
    return 0
}
