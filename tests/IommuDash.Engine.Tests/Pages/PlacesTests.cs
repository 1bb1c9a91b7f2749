using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Tests.Pages;

/// <summary>Where frames are found, and whether the preview of a domain's leaving comes true.</summary>
public sealed class PlacesTests
{
    private const ulong Page = PhysicalMemory.FrameBytes;
    private const ulong Base = 1UL << 24;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void PlacesWithout_RandomUsers_SaysWhatDestroyingDoes(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 20; round++)
        {
            using var host = new EmulatedHost(TestHosts.Describe(IommuVendor.Intel));
            Assert.Null(host.OpenContext(TestHosts.Pid, out IommufdContext? opened));
            IommufdContext context = opened!;
            Assert.Null(context.Bind(host.FindDevice("0000:01:00.0")!, out Device? device));
            var ioases = new uint[3];
            for (int i = 0; i < ioases.Length; i++)
                Assert.Null(context.IoasAlloc(out ioases[i]));
            ulong iova = Base;
            Assert.Null(context.IoasMap(context.Opener, ioases[0], MapFlags.Readable | MapFlags.Writeable | MapFlags.FixedIova, TestHosts.Scattered, 32 * Page, ref iova));
            IoptPages pages = context.Objects.Find<Ioas>(ioases[0])!.Pagetable.Areas.Payload(context.Objects.Find<Ioas>(ioases[0])!.Pagetable.Areas.First).Pages;
            var hwpts = new List<uint>();
            for (int step = random.Next(2, 9); step > 0; step--)
            {
                uint ioas = ioases[random.Next(3)];
                ulong first = (ulong)random.Next(32);
                ulong length = (ulong)random.Next(1, 33 - (int)first);
                switch (random.Next(4))
                {
                    case 0:
                        ulong to = Base + ((ulong)random.Next(1, 200) * Page);
                        _ = context.IoasCopy(ioas, ioases[0], MapFlags.Readable | MapFlags.Writeable | MapFlags.FixedIova, Base + (first * Page), length * Page, ref to);
                        break;
                    case 1:
                        Assert.Null(pages.AddAccess(first, first + length - 1, write: false));
                        break;
                    default:
                        Assert.Null(context.HwptAlloc(device!.Id, ioas, HwptFlags.None, 0, out uint hwpt));
                        hwpts.Add(hwpt);
                        break;
                }
            }
            while (hwpts.Count != 0)
            {
                uint leaving = hwpts[random.Next(hwpts.Count)];
                hwpts.Remove(leaving);
                IReadOnlyList<PfnPlace>? expected = pages.PlacesWithout(context.Objects.Find<HwptPaging>(leaving)!);
                uint pinned = pages.PinnedPages;
                Assert.Equal(pinned, Pinned(pages.Places()));
                Assert.Null(context.Destroy(leaving));
                Assert.Equal(ByPage(expected!), ByPage(pages.Places()));
                Assert.Equal(pages.PinnedPages, Pinned(expected!));
            }
            foreach ((ulong first, ulong last, int users) in pages.AccessHolds.ToArray())
            {
                for (int i = 0; i < users; i++)
                    pages.RemoveAccess(first, last);
            }
            Assert.Equal([new PfnPlace(0, 31, PfnSource.Memory, null)], pages.Places());
        }
    }

    private static uint Pinned(IEnumerable<PfnPlace> places) => (uint)places.Where(static place => place.Source != PfnSource.Memory).Aggregate(0UL, static (sum, place) => sum + place.Last - place.First + 1);

    private static IEnumerable<(PfnSource, object?)> ByPage(IEnumerable<PfnPlace> places) =>
        places.SelectMany(static place => Enumerable.Repeat((place.Source, (object?)place.Storage), (int)(place.Last - place.First + 1)));
}
