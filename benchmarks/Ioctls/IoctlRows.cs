// A row per native ioctl through Abi: its common success and one refusal.
using IommuDash.Abi.Layout;
using IommuDash.Engine;

namespace IommuDash.Benchmarks.Ioctls;

/// <summary>One row.</summary>
/// <param name="Start">Prepares and returns the call to time, which is given its place in the batch, and what undoes a batch.</param>
/// <param name="Expected">Errno of a refusal; <see cref="Errno.None"/> for a success.</param>
internal sealed record IoctlRow(string Name, Errno Expected, Func<IoctlBench, (Func<int, long> Call, Action Undo)> Start);

internal static class IoctlRows
{
    public static IReadOnlyList<IoctlRow> All { get; } =
    [
        Ok("DESTROY", Destroy),
        No("DESTROY", Errno.ENOENT, b => Repeat(b, 0x80, new IommuDestroy { Size = 8 })),
        Ok("IOAS_ALLOC", b => Making(b, 0x81, new IommuIoasAlloc { Size = 12 }, c => c.OutIoasId)),
        No("IOAS_ALLOC", Errno.EOPNOTSUPP, b => Repeat(b, 0x81, new IommuIoasAlloc { Size = 12, Flags = 1 })),
        Ok("IOAS_ALLOW_IOVAS", b => AllowIovas(b, last: 0xffff)),
        No("IOAS_ALLOW_IOVAS", Errno.EINVAL, b => AllowIovas(b, last: 0)),
        Ok("IOAS_COPY", b => Copy(b, IoctlBench.MockBase)),
        No("IOAS_COPY", Errno.ENOENT, b => Copy(b, 0)),
        Ok("IOAS_IOVA_RANGES", b => Repeat(b, 0x84, new IommuIoasIovaRanges { Size = 32, IoasId = b.Ioas, NumIovas = 4, AllowedIovas = IoctlBench.Data })),
        No("IOAS_IOVA_RANGES", Errno.EMSGSIZE, b => Repeat(b, 0x84, new IommuIoasIovaRanges { Size = 32, IoasId = b.Ioas })),
        Ok("IOAS_MAP", b => Map(b)),
        No("IOAS_MAP", Errno.EEXIST, MapOver),
        Ok("IOAS_UNMAP", Unmap),
        No("IOAS_UNMAP", Errno.ENOENT, b => Repeat(b, 0x86, new IommuIoasUnmap { Size = 24, IoasId = b.Ioas, Iova = IoctlBench.MockBase, Length = IoctlBench.Page })),
        Ok("OPTION", b => Repeat(b, 0x87, new IommuOption { Size = 24, OptionId = 1, Op = 1, ObjectId = b.Ioas })),
        No("OPTION", Errno.EOPNOTSUPP, b => Repeat(b, 0x87, new IommuOption { Size = 24, OptionId = 9 })),
        Ok("VFIO_IOAS", b => Repeat(b, 0x88, new IommuVfioIoas { Size = 12, IoasId = b.Ioas, Op = 1 })),
        No("VFIO_IOAS", Errno.ENODEV, b => Repeat(b, 0x88, new IommuVfioIoas { Size = 12 })),
        Ok("HWPT_ALLOC", b => Making(b, 0x89, new IommuHwptAlloc { Size = 48, DevId = b.Device, PtId = b.Ioas }, c => c.OutHwptId)),
        No("HWPT_ALLOC", Errno.ENOENT, b => Repeat(b, 0x89, new IommuHwptAlloc { Size = 48, PtId = b.Ioas })),
        Ok("GET_HW_INFO", b => Repeat(b, 0x8a, new IommuHwInfo { Size = 40, DevId = b.Device, DataLen = 8, DataUptr = IoctlBench.Data })),
        No("GET_HW_INFO", Errno.ENOENT, b => Repeat(b, 0x8a, new IommuHwInfo { Size = 40 })),
        Ok("HWPT_SET_DIRTY_TRACKING", b => Repeat(b, 0x8b, new IommuHwptSetDirtyTracking { Size = 16, Flags = 1, HwptId = DirtyHwpt(b) })),
        No("HWPT_SET_DIRTY_TRACKING", Errno.ENOENT, b => Repeat(b, 0x8b, new IommuHwptSetDirtyTracking { Size = 16 })),
        Ok("HWPT_GET_DIRTY_BITMAP", b => GetDirty(b, IoctlBench.Page)),
        No("HWPT_GET_DIRTY_BITMAP", Errno.EINVAL, b => GetDirty(b, 0)),
        Ok("HWPT_INVALIDATE", b => Invalidate(b, flags: 1)),
        No("HWPT_INVALIDATE", Errno.EOPNOTSUPP, b => Invalidate(b, flags: 2)),
        Ok("FAULT_QUEUE_ALLOC", b => Making(b, 0x8e, new IommuFaultAlloc { Size = 16 }, c => c.OutFaultId)),
        No("FAULT_QUEUE_ALLOC", Errno.EOPNOTSUPP, b => Repeat(b, 0x8e, new IommuFaultAlloc { Size = 16, Flags = 1 })),
        Ok("IOAS_MAP_FILE", b => MapFile(b, IoctlBench.MemfdNumber)),
        No("IOAS_MAP_FILE", Errno.EBADF, b => MapFile(b, -1)),
        Ok("VIOMMU_ALLOC", b => Making(b, 0x90, new IommuViommuAlloc { Size = 40, Type = IoctlBench.Mock, DevId = b.Device, HwptId = b.NestParent() }, c => c.OutViommuId)),
        No("VIOMMU_ALLOC", Errno.ENOENT, b => Repeat(b, 0x90, new IommuViommuAlloc { Size = 40, Type = IoctlBench.Mock, DevId = b.Device })),
        Ok("VDEVICE_ALLOC", VdeviceAlloc),
        No("VDEVICE_ALLOC", Errno.ENOENT, b => Repeat(b, 0x91, new IommuVdeviceAlloc { Size = 24, DevId = b.Device })),
        Ok("IOAS_CHANGE_PROCESS", b => Repeat(b, 0x92, new IommuIoasChangeProcess { Size = 8 })),
        No("IOAS_CHANGE_PROCESS", Errno.EINVAL, ChangeProcess),
        Ok("VEVENTQ_ALLOC", VeventqAlloc),
        No("VEVENTQ_ALLOC", Errno.ENOENT, b => Repeat(b, 0x93, new IommuVeventqAlloc { Size = 32, Type = 1, VeventqDepth = 1 })),
        Ok("HW_QUEUE_ALLOC", HwQueueAlloc),
        No("HW_QUEUE_ALLOC", Errno.ENOENT, b => Repeat(b, 0x94, new IommuHwQueueAlloc { Size = 40, Type = IoctlBench.Mock, Length = IoctlBench.Page })),
        Ok("TEST", CheckMap),
        No("TEST", Errno.EOPNOTSUPP, b => Repeat(b, 0xa0, new IommuTest { Size = 72, Op = 99 })),
    ];

    private static IoctlRow Ok(string name, Func<IoctlBench, (Func<int, long>, Action)> start) => new("ioctl/" + name, Errno.None, start);

    private static IoctlRow No(string name, Errno errno, Func<IoctlBench, (Func<int, long>, Action)> start) => new($"ioctl/{name}/{errno}", errno, start);

    // Calls that leave nothing behind.
    private static (Func<int, long>, Action) Repeat<T>(IoctlBench bench, uint number, T command) where T : unmanaged => (_ =>
    {
        bench.Put(command);
        return bench.Call(number);
    }, () => { });

    // Calls that make an object each; a batch is destroyed from the last made on.
    private static (Func<int, long>, Action) Making<T>(IoctlBench bench, uint number, T command, Func<T, uint> idOf) where T : unmanaged
    {
        uint[] made = new uint[IoctlBench.Batch];
        return (i =>
        {
            ref T place = ref bench.Put(command);
            long result = bench.Call(number);
            made[i] = idOf(place);
            return result;
        }, () =>
        {
            bench.CloseFiles();
            foreach (uint id in made.Reverse())
                Bench.Must(bench.Context.Destroy(id));
        });
    }

    private static (Func<int, long>, Action) Destroy(IoctlBench bench)
    {
        uint[] ids = new uint[IoctlBench.Batch];
        void Fill()
        {
            for (int i = 0; i < ids.Length; i++)
                Bench.Must(bench.Context.IoasAlloc(out ids[i]));
        }
        Fill();
        return (i =>
        {
            bench.Put(new IommuDestroy { Size = 8, Id = ids[i] });
            return bench.Call(0x80);
        }, Fill);
    }

    private static (Func<int, long>, Action) AllowIovas(IoctlBench bench, ulong last)
    {
        bench.PutData((0UL, last));
        uint ioas = bench.Make(0x81, new IommuIoasAlloc { Size = 12 }).OutIoasId;
        return Repeat(bench, 0x82, new IommuIoasAllowIovas { Size = 24, IoasId = ioas, NumIovas = 1, AllowedIovas = IoctlBench.Data });
    }

    private static (Func<int, long>, Action) Copy(IoctlBench bench, ulong from)
    {
        bench.Map(IoctlBench.MockBase, IoctlBench.Page);
        uint target = bench.Make(0x81, new IommuIoasAlloc { Size = 12 }).OutIoasId;
        return (i =>
        {
            bench.Put(new IommuIoasCopy { Size = 40, Flags = 7, DstIoasId = target, SrcIoasId = bench.Ioas, Length = IoctlBench.Page, DstIova = (ulong)i * IoctlBench.Page, SrcIova = from });
            return bench.Call(0x83);
        }, () => bench.Context.IoasUnmap(target, 0, ulong.MaxValue, out _));
    }

    private static IommuIoasMap MapAt(IoctlBench bench, int place) => new()
    {
        Size = 40,
        Flags = 7,
        IoasId = bench.Ioas,
        UserVa = Bench.Contiguous,
        Length = IoctlBench.Page,
        Iova = IoctlBench.MockBase + ((ulong)place * IoctlBench.Page),
    };

    private static void UnmapAll(IoctlBench bench) => Bench.Must(bench.Context.IoasUnmap(bench.Ioas, 0, ulong.MaxValue, out _));

    private static (Func<int, long>, Action) Map(IoctlBench bench) => (i =>
    {
        bench.Put(MapAt(bench, i));
        return bench.Call(0x85);
    }, () => UnmapAll(bench));

    private static (Func<int, long>, Action) MapOver(IoctlBench bench)
    {
        bench.Map(IoctlBench.MockBase, IoctlBench.Page);
        return Repeat(bench, 0x85, MapAt(bench, 0));
    }

    private static (Func<int, long>, Action) Unmap(IoctlBench bench)
    {
        void Fill()
        {
            for (int i = 0; i < IoctlBench.Batch; i++)
                bench.Make(0x85, MapAt(bench, i));
        }
        Fill();
        return (i =>
        {
            bench.Put(new IommuIoasUnmap { Size = 24, IoasId = bench.Ioas, Iova = IoctlBench.MockBase + ((ulong)i * IoctlBench.Page), Length = IoctlBench.Page });
            return bench.Call(0x86);
        }, Fill);
    }

    private static uint DirtyHwpt(IoctlBench bench) => bench.Make(0x89, new IommuHwptAlloc { Size = 48, Flags = 2, DevId = bench.Device, PtId = bench.Ioas }).OutHwptId;

    // 16 pages, none dirty.
    private static (Func<int, long>, Action) GetDirty(IoctlBench bench, ulong pageSize)
    {
        uint hwpt = DirtyHwpt(bench);
        bench.Map(IoctlBench.MockBase, 16 * IoctlBench.Page);
        return Repeat(bench, 0x8c, new IommuHwptGetDirtyBitmap { Size = 48, HwptId = hwpt, Iova = IoctlBench.MockBase, Length = 16 * IoctlBench.Page, PageSize = pageSize, Data = IoctlBench.Data });
    }

    // One entry of a nested table.
    private static (Func<int, long>, Action) Invalidate(IoctlBench bench, uint flags)
    {
        bench.PutData(0xbadbeefu);
        uint nested = bench.Make(0x89, new IommuHwptAlloc { Size = 48, DevId = bench.Device, PtId = bench.NestParent(), DataType = 0xdead, DataLen = 4, DataUptr = IoctlBench.Data }).OutHwptId;
        bench.PutData((flags, 0u));
        return Repeat(bench, 0x8d, new IommuHwptInvalidate { Size = 32, HwptId = nested, DataUptr = IoctlBench.Data, DataType = IoctlBench.Mock, EntryLen = 8, EntryNum = 1 });
    }

    private static (Func<int, long>, Action) MapFile(IoctlBench bench, int fd)
    {
        bench.CreateMemfd();
        return (i =>
        {
            bench.Put(new IommuIoasMapFile { Size = 40, Flags = 7, IoasId = bench.Ioas, Fd = fd, Length = IoctlBench.Page, Iova = IoctlBench.MockBase + ((ulong)i * IoctlBench.Page) });
            return bench.Call(0x8f);
        }, () => UnmapAll(bench));
    }

    // One device has one, so a batch needs a device each.
    private static (Func<int, long>, Action) VdeviceAlloc(IoctlBench bench)
    {
        uint viommu = bench.Viommu();
        uint[] devices = [.. Enumerable.Range(0, IoctlBench.Batch).Select(_ => bench.MockDomain(bench.Ioas).OutIdevId)];
        uint[] made = new uint[IoctlBench.Batch];
        return (i =>
        {
            ref IommuVdeviceAlloc place = ref bench.Put(new IommuVdeviceAlloc { Size = 24, ViommuId = viommu, DevId = devices[i], VirtId = (ulong)i });
            long result = bench.Call(0x91);
            made[i] = place.OutVdeviceId;
            return result;
        }, () =>
        {
            foreach (uint id in made)
                Bench.Must(bench.Context.Destroy(id));
        });
    }

    private static (Func<int, long>, Action) ChangeProcess(IoctlBench bench)
    {
        bench.Map(IoctlBench.MockBase, IoctlBench.Page);
        return Repeat(bench, 0x92, new IommuIoasChangeProcess { Size = 8 });
    }

    // One queue of a type a vIOMMU, so a batch takes as many types.
    private static (Func<int, long>, Action) VeventqAlloc(IoctlBench bench)
    {
        uint viommu = bench.Viommu();
        uint[] made = new uint[IoctlBench.Batch];
        return (i =>
        {
            ref IommuVeventqAlloc place = ref bench.Put(new IommuVeventqAlloc { Size = 32, ViommuId = viommu, Type = (uint)i + 1, VeventqDepth = 1 });
            long result = bench.Call(0x93);
            made[i] = place.OutVeventqId;
            return result;
        }, () =>
        {
            bench.CloseFiles();
            foreach (uint id in made)
                Bench.Must(bench.Context.Destroy(id));
        });
    }

    // The first queue of a vIOMMU, so a batch takes as many of these.
    private static (Func<int, long>, Action) HwQueueAlloc(IoctlBench bench)
    {
        uint parent = bench.NestParent();
        uint[] viommus = [.. Enumerable.Range(0, IoctlBench.Batch).Select(_ => bench.Make(0x90, new IommuViommuAlloc { Size = 40, Type = IoctlBench.Mock, DevId = bench.Device, HwptId = parent }).OutViommuId)];
        uint[] made = new uint[IoctlBench.Batch];
        bench.Map(IoctlBench.MockBase, IoctlBench.Page);
        return (i =>
        {
            ref IommuHwQueueAlloc place = ref bench.Put(new IommuHwQueueAlloc { Size = 40, ViommuId = viommus[i], Type = IoctlBench.Mock, NestingParentIova = IoctlBench.MockBase, Length = IoctlBench.Page });
            long result = bench.Call(0x94);
            made[i] = place.OutHwQueueId;
            return result;
        }, () =>
        {
            foreach (uint id in made)
                Bench.Must(bench.Context.Destroy(id));
        });
    }

    // MD_CHECK_MAP of one page.
    private static (Func<int, long>, Action) CheckMap(IoctlBench bench)
    {
        uint hwpt = bench.NestParent();
        bench.Map(IoctlBench.MockBase, IoctlBench.Page);
        return Repeat(bench, 0xa0, new TestOf<TestCheckMap>
        {
            Header = new IommuTest { Size = 72, Op = (uint)TestOp.MdCheckMap, Id = hwpt },
            Union = new TestCheckMap { Iova = IoctlBench.MockBase, Length = IoctlBench.Page, Uptr = Bench.Contiguous },
        });
    }
}
