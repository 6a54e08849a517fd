# A profile that allows all but the capabilities for BPF.
abi <abi/3.0>,
profile collectd {
  file,
  network,
  signal,
  unix,
  capability kill,
}
