public enum MSRPolicy { public static let passThroughCount = 6
 public struct R { public var first: UInt32; public var last: UInt32; public var read = true; public var write = true }
 public static func passThrough(_ i: Int) -> R {
   switch i { case 0: R(first: 0x174, last: 0x176)
   case 1: R(first: 0x277, last: 0x277)
   case 2: R(first: 0xC0000081, last: 0xC0000084)
   case 3: R(first: 0xC0000100, last: 0xC0000103)
   case 4: R(first: 0x800, last: 0x82F)
   default: R(first: 0x831, last: 0x83F) } } }
