//! The device itself: exclusive, with every wait bounded, and its ways to fail in words.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serialport::{ClearBuffer, SerialPort, TTYPort};

use super::session::Wire;
use crate::reader::protocol::{DataBits, Parity, Serial, StopBits};

/// How long a write may take before the device counts as gone.
const WRITE_LIMIT: Duration = Duration::from_secs(1);

/// Why a port is not open.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// There is no such device.
    #[error("no device at {}", device.display())]
    Missing {
        /// Its name.
        device: PathBuf,
    },
    /// It was there and is gone.
    #[error("{} was unplugged", device.display())]
    Unplugged {
        /// Its name.
        device: PathBuf,
    },
    /// Another program has it.
    #[error("another program uses {}", device.display())]
    Busy {
        /// Its name.
        device: PathBuf,
    },
    /// This program may not open it.
    #[error("no permission to open {}", device.display())]
    Denied {
        /// Its name.
        device: PathBuf,
    },
    /// It cannot be opened or set as configured.
    #[error("cannot open {}", device.display())]
    Open {
        /// Its name.
        device: PathBuf,
        /// What the system says.
        source: serialport::Error,
    },
    /// It cannot be read.
    #[error("cannot read {}", device.display())]
    Read {
        /// Its name.
        device: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write to {}", device.display())]
    Write {
        /// Its name.
        device: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl PortError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "port-missing",
            Self::Unplugged { .. } => "port-unplugged",
            Self::Busy { .. } => "port-busy",
            Self::Denied { .. } => "port-denied",
            Self::Open { .. } => "port-open",
            Self::Read { .. } => "port-read",
            Self::Write { .. } => "port-write",
        }
    }

    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::Unplugged { .. } => {
                "plug the reader in; ls /dev/serial/by-id /dev/serial/by-path shows what is there"
            }
            Self::Busy { .. } => "stop the other program: ModemManager, brltty or a getty often take such ports",
            Self::Denied { .. } => "the service's user must be in the group of the device, usually dialout",
            Self::Open { .. } => "is it a serial port, and does it know the configured speed?",
            Self::Read { .. } | Self::Write { .. } => "check cable and power; the port is opened again by itself",
        }
    }

    /// Whether it may pass without anybody's help; it is tried again in any case.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unplugged { .. } | Self::Busy { .. } | Self::Read { .. } | Self::Write { .. } => true,
            Self::Missing { .. } | Self::Denied { .. } | Self::Open { .. } => false,
        }
    }

    /// The code, where a device that was unplugged and one that is not there are the same news.
    pub(super) const fn absence(&self) -> &'static str {
        match self {
            Self::Unplugged { .. } => "port-missing",
            Self::Missing { .. } | Self::Busy { .. } | Self::Denied { .. } | Self::Open { .. } | Self::Read { .. } | Self::Write { .. } => {
                self.code()
            }
        }
    }
}

/// Opens a device for this program alone and forgets what came before it was set.
pub(super) fn open(device: &Path, serial: Serial) -> Result<TTYPort, PortError> {
    let builder = serialport::new(device.to_string_lossy(), serial.baud)
        .data_bits(data_bits(serial.data_bits))
        .parity(parity(serial.parity))
        .stop_bits(stop_bits(serial.stop_bits))
        .timeout(WRITE_LIMIT)
        .exclusive(true);
    let port = TTYPort::open(&builder).map_err(|source| not_opened(device, source))?;
    port.clear(ClearBuffer::Input).map_err(|source| not_opened(device, source))?;
    Ok(port)
}

fn not_opened(device: &Path, source: serialport::Error) -> PortError {
    let device = device.to_owned();
    match source.kind() {
        serialport::ErrorKind::Io(ErrorKind::NotFound) => PortError::Missing { device },
        serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => PortError::Denied { device },
        serialport::ErrorKind::NoDevice => PortError::Busy { device },
        serialport::ErrorKind::Io(_) | serialport::ErrorKind::InvalidInput | serialport::ErrorKind::Unknown => {
            PortError::Open { device, source }
        }
    }
}

impl Wire for TTYPort {
    fn read(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.set_timeout(wait)?;
        Read::read(self, buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.set_timeout(WRITE_LIMIT)?;
        self.write_all(bytes)
    }
}

const fn data_bits(bits: DataBits) -> serialport::DataBits {
    match bits {
        DataBits::Seven => serialport::DataBits::Seven,
        DataBits::Eight => serialport::DataBits::Eight,
    }
}

const fn parity(parity: Parity) -> serialport::Parity {
    match parity {
        Parity::None => serialport::Parity::None,
        Parity::Odd => serialport::Parity::Odd,
        Parity::Even => serialport::Parity::Even,
    }
}

const fn stop_bits(bits: StopBits) -> serialport::StopBits {
    match bits {
        StopBits::One => serialport::StopBits::One,
        StopBits::Two => serialport::StopBits::Two,
    }
}
