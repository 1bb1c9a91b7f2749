// iommudash: the emulated host without a window.
using System.CommandLine;
using IommuDash.Cli;

return new RootCommand("Emulated Linux iommufd hosts on the command line.") { RunCommand.Create(), ReplayCommand.Create() }.Parse(args).Invoke();
