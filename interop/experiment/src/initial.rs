//! First weights that a seed decides, whatever else is trained at the same time.

use std::sync::Mutex;

use burn::module::Module;
use burn::tensor::Device;

/// The generator of a device's random numbers is one for all threads.
static INITIALISING: Mutex<()> = Mutex::new(());

pub(crate) fn initialised<M: Module>(seed: u64, device: &Device, new: impl Fn(&Device) -> M) -> M {
    let _alone = INITIALISING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    device.seed(seed);
    let net = new(device);
    // Parameters are drawn when they are first used, which has to be now.
    let record = net.clone().into_record();
    net.load_record(record)
}
