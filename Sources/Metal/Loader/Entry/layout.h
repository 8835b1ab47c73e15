// Numbers of Sources/Shared/Platform/Loader and Sources/Shared/Loaders; Tests/Unit/LoadersTests/LoaderLayoutTests.swift
// compares them.
#define LOADER_FACTS 0x9F000
#define LOADER_PROGRAM 0xA0000
#define LOADER_TABLES 0xD0000
#define LOADER_END 0xE0000
#define FACTS_WINDOW 0
#define FACTS_IS_INTEL 8
#define CALL_FINISHED 1
#define CALL_REFUSED 2
#define GUEST_GDT 0x1000
#define GUEST_GDT_LIMIT 0x27
#define GUEST_STACK 0x8000
#define GUEST_HANDOVER 0x8000
#define GUEST_TABLES 0x9000
