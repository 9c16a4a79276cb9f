#!/usr/bin/env python3
"""Lists all processes and their memory in KiB, by calling the library from Python."""

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p

PROCESS_QUERY_LIMITED_INFORMATION = 0x1000


class Counters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS_EX2"""

    _fields_ = [
        ("cb", c_uint32),
        ("PageFaultCount", c_uint32),
        ("PeakWorkingSetSize", c_size_t),
        ("WorkingSetSize", c_size_t),
        ("QuotaPeakPagedPoolUsage", c_size_t),
        ("QuotaPagedPoolUsage", c_size_t),
        ("QuotaPeakNonPagedPoolUsage", c_size_t),
        ("QuotaNonPagedPoolUsage", c_size_t),
        ("PagefileUsage", c_size_t),
        ("PeakPagefileUsage", c_size_t),
        ("PrivateUsage", c_size_t),
        ("PrivateWorkingSetSize", c_size_t),
        ("SharedCommitUsage", c_uint64),
    ]


def load():
    """Loads the library and declares the functions that this program uses."""
    psapi = ctypes.CDLL(os.environ.get("LIBPSAPI", "libpsapi.so.1"))
    # By default, ctypes truncates arguments and results to 32 bits, including pointers.
    for name, result, *arguments in [
        ("EnumProcesses", c_int, POINTER(c_uint32), c_uint32, POINTER(c_uint32)),
        ("OpenProcess", c_void_p, c_uint32, c_int, c_uint32),
        ("CloseHandle", c_int, c_void_p),
        ("GetLastError", c_uint32),
        ("GetProcessMemoryInfo", c_int, c_void_p, POINTER(Counters), c_uint32),
        ("GetProcessImageFileNameA", c_uint32, c_void_p, c_char_p, c_uint32),
    ]:
        function = getattr(psapi, name)
        function.restype, function.argtypes = result, arguments
    return psapi


def process_ids(psapi):
    capacity, used = 1024, c_uint32()
    while True:
        ids = (c_uint32 * capacity)()
        if not psapi.EnumProcesses(ids, ctypes.sizeof(ids), byref(used)):
            raise OSError(f"EnumProcesses: error {psapi.GetLastError()}")
        if used.value < ctypes.sizeof(ids):
            return ids[: used.value // ctypes.sizeof(c_uint32)]
        capacity *= 2


def printable(name):
    """Returns a name as text on one line. Control characters and bytes that are not UTF-8 become
    escapes. A process can choose its name, and must not be able to forge a line with it."""
    text = name.decode("utf-8", "backslashreplace")
    escape = lambda character: character.encode("unicode_escape").decode()
    return "".join(c if c.isprintable() else escape(c) for c in text)


def main():
    psapi = load()
    print(f"{'id':>8} {'working set':>12} {'peak':>12} {'private':>12}  file")
    for id in process_ids(psapi):
        process = psapi.OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, False, id)
        if not process:
            continue
        counters, file = Counters(), ctypes.create_string_buffer(4096)
        if psapi.GetProcessMemoryInfo(process, byref(counters), ctypes.sizeof(counters)):
            psapi.GetProcessImageFileNameA(process, file, len(file))
            sizes = counters.WorkingSetSize, counters.PeakWorkingSetSize, counters.PrivateUsage
            columns = " ".join(f"{size // 1024:12}" for size in sizes)
            print(f"{id:8} {columns}  {printable(file.value)}")
        psapi.CloseHandle(process)


if __name__ == "__main__":
    main()
