import Machines

typealias Arena = Machines.Arena
typealias ArenaError = Machines.ArenaError
typealias Guest = Machines.Guest
