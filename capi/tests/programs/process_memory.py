"""The ctypes recipe: memory counters of a process, by functions that are looked up by name."""

import ctypes
import os
import sys


class PROCESS_MEMORY_COUNTERS_EX(ctypes.Structure):
    _fields_ = [
        ("cb", ctypes.c_uint32),
        ("PageFaultCount", ctypes.c_uint32),
    ] + [
        (name, ctypes.c_size_t)
        for name in (
            "PeakWorkingSetSize",
            "WorkingSetSize",
            "QuotaPeakPagedPoolUsage",
            "QuotaPagedPoolUsage",
            "QuotaPeakNonPagedPoolUsage",
            "QuotaNonPagedPoolUsage",
            "PagefileUsage",
            "PeakPagefileUsage",
            "PrivateUsage",
        )
    ]


class FILETIME(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint32), ("high", ctypes.c_uint32)]

    def seconds(self):
        return (self.high << 32 | self.low) / 1e7


# On Windows: psapi = ctypes.WinDLL("psapi"); kernel32 = ctypes.WinDLL("kernel32").
psapi = kernel32 = ctypes.CDLL("libpsapi.so.1")


def main():
    pid = int(sys.argv[1]) if len(sys.argv) > 1 else os.getpid()
    # Many scripts set neither argtypes nor restype, so that handles are truncated to 32 bits.
    handle = kernel32.OpenProcess(0x0410, False, pid)
    if not handle:
        sys.exit("OpenProcess: error %d" % kernel32.GetLastError())
    counters = PROCESS_MEMORY_COUNTERS_EX()
    if not psapi.GetProcessMemoryInfo(handle, ctypes.byref(counters), ctypes.sizeof(counters)):
        sys.exit("GetProcessMemoryInfo: error %d" % kernel32.GetLastError())
    times = [FILETIME() for _ in range(4)]
    if not kernel32.GetProcessTimes(handle, *map(ctypes.byref, times)):
        sys.exit("GetProcessTimes: error %d" % kernel32.GetLastError())
    print("pid", kernel32.GetProcessId(handle))
    print("rss", counters.WorkingSetSize)
    print("private", counters.PrivateUsage)
    print("created", round(times[0].seconds() - 11644473600))
    if not kernel32.CloseHandle(handle):
        sys.exit("CloseHandle: error %d" % kernel32.GetLastError())


main()
