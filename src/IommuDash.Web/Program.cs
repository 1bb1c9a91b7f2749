using IommuDash.Web;

using Microsoft.Extensions.Options;

try
{
    await using var dashboard = new DashboardWebApplication(args);
    await dashboard.StartAsync();
    foreach (string address in dashboard.Addresses)
        Console.WriteLine($"IommuDash: {address}");
    await dashboard.WaitForShutdownAsync();
    return 0;
}
catch (OptionsValidationException invalid)
{
    foreach (string fault in invalid.Failures)
        Console.Error.WriteLine(fault);
    return 1;
}
catch (IOException busy)
{
    // Kestrel says which address it could not take.
    Console.Error.WriteLine($"{busy.Message} Choose another with --urls http://127.0.0.1:PORT.");
    return 1;
}
