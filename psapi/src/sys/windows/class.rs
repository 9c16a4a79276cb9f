//! Information classes: what the query and set calls are asked for. Names and numbers are those of
//! the public headers.

/// Declares a type of class, and its values.
macro_rules! classes {
    ($(#[$meta:meta])* $type:ident of $query:literal { $($name:ident = $number:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $type {
            pub(crate) number: i32,
            pub(crate) name: &'static str,
        }

        #[allow(non_upper_case_globals, reason = "the names are those of the headers")]
        impl $type {
            $(pub(crate) const $name: $type = $type {
                number: $number,
                name: stringify!($name),
            };)*
        }

        impl From<$type> for std::path::PathBuf {
            /// Names the query for this class, as the source of an error.
            fn from(class: $type) -> Self {
                format!("{}({})", $query, class.name).into()
            }
        }
    };
}

classes! {
    /// A class of `NtQuerySystemInformation`.
    SystemClass of "NtQuerySystemInformation" {
        SystemBasicInformation = 0,
        SystemPerformanceInformation = 2,
        SystemTimeOfDayInformation = 3,
        SystemProcessInformation = 5,
        SystemProcessorPerformanceInformation = 8,
        SystemPageFileInformation = 18,
        SystemFileCacheInformation = 21,
        SystemModuleInformationEx = 77,
        SystemMemoryListInformation = 80,
        SystemProcessIdInformation = 88,
    }
}

classes! {
    /// A class of `NtQueryInformationProcess` and `NtSetInformationProcess`.
    ProcessClass of "NtQueryInformationProcess" {
        ProcessBasicInformation = 0,
        ProcessQuotaLimits = 1,
        ProcessIoCounters = 2,
        ProcessVmCounters = 3,
        ProcessTimes = 4,
        ProcessHandleCount = 20,
        ProcessWow64Information = 26,
        ProcessImageFileName = 27,
        ProcessWorkingSetWatchEx = 42,
        ProcessImageFileNameWin32 = 43,
        ProcessCommandLineInformation = 60,
    }
}

impl ProcessClass {
    /// Names the call that sets this class, as the source of an error.
    pub(crate) fn set_call(self) -> std::path::PathBuf {
        format!("NtSetInformationProcess({})", self.name).into()
    }
}

classes! {
    /// A class of `NtQueryInformationThread`.
    ThreadClass of "NtQueryInformationThread" {
        ThreadNameInformation = 38,
    }
}

classes! {
    /// A class of `NtQueryVirtualMemory`.
    MemoryClass of "NtQueryVirtualMemory" {
        MemoryBasicInformation = 0,
        MemoryWorkingSetInformation = 1,
        MemoryMappedFilenameInformation = 2,
        MemoryWorkingSetExInformation = 4,
    }
}
