import TestKit

typealias Arena = TestKit.Arena
typealias ArenaError = TestKit.ArenaError
typealias Guest = TestKit.Guest
