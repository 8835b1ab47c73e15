// Numbers of Sources/Shared/Platform/DeviceModel/ModelPage.swift; Tests/Unit/VirtioTests/DeviceModelTests.swift compares them.
#define MODEL_PROGRAM 0x7F0000000000
#define MODEL_PROGRAM_LIMIT 0x100000
#define MODEL_PAGE 0x7F0000100000
#define MODEL_END 0x7F000010E000
