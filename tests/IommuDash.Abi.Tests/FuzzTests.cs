using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Pages;

namespace IommuDash.Abi.Tests;

/// <summary>Random numbers, sizes, fields, pointers and lifetimes through the door. Whatever comes, nothing throws, page tables show what areas say, and closing leaves nothing behind.</summary>
public sealed class FuzzTests
{
    private const int Calls = 15_000;
    private const int Files = 3;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void RandomCalls_NeverBreakTheHost(int seed)
    {
        var random = new Random(seed);
        using var rig = new AbiRig(seed % 2 == 0 ? ReferenceLevel.Linux612 : null);
        var files = new IommuFile?[Files];
        var seen = new HashSet<(uint, bool)>();
        for (int i = 0; i < Calls; i++)
        {
            int slot = random.Next(Files);
            IommuFile file = files[slot] ??= rig.Open();
            IoctlInfo info = IoctlTable.AllNative[random.Next(IoctlTable.AllNative.Count)];
            uint request = random.Next(50) == 0 ? (uint)random.Next(0x3b60, 0x3bb0) : info.Number;
            ulong argument = Argument(random, rig, info);
            IoctlResult result = file.Ioctl(rig.Caller, request, argument);
            seen.Add((request, result.Value >= 0));
            Assert.Equal(result.Value < 0, result.Refusal is not null);
            if (i % 256 == 0)
                CheckDomains(file.Context);
            if (random.Next(400) == 0)
                Close(rig, files, slot);
            if (random.Next(300) == 0)
                CloseFiles(rig.Caller, random);
        }
        for (int slot = 0; slot < Files; slot++)
            Close(rig, files, slot);
        CloseFiles(rig.Caller, null);
        rig.Host.CloseContext(rig.File.Context.Fd);

        Assert.Empty(rig.Host.Contexts);
        Assert.Equal(0u, rig.Host.Memory.PinnedFrames);
        Assert.Equal(0ul, rig.Caller.Process.Memory.PinnedPages);
        Assert.Equal(0ul, rig.Caller.Process.Memory.LockedPages);
        Assert.All(rig.Host.Users, u => Assert.Equal(0ul, u.LockedPages));
        // The sequences reach somewhere: most calls of the level have both succeeded and failed.
        Assert.True(seen.Count(s => s.Item2) >= 10, $"Only {seen.Count(s => s.Item2)} kinds of calls ever succeeded.");
    }

    private static void Close(AbiRig rig, IommuFile?[] files, int slot)
    {
        if (files[slot] is not { } file)
            return;
        Assert.Null(rig.Host.CloseContext(file.Context.Fd));
        files[slot] = null;
    }

    private static void CloseFiles(TestCaller caller, Random? random)
    {
        foreach (object file in caller.Files)
        {
            if (random is not null && random.Next(2) == 0)
                continue;
            if (file is AccessFile access)
                access.Close();
            else if (file is Dmabuf buffer)
                buffer.Close();
            else
                ((EventFile)file).Close();
        }
    }

    // A command in the caller's memory, mostly well formed, with fields from small pools so that calls meet each other's objects.
    private static ulong Argument(Random random, AbiRig rig, IoctlInfo info)
    {
        if (random.Next(40) == 0)
            return random.Next(3) switch { 0 => 0ul, 1 => ulong.MaxValue - 3, _ => AbiRig.Command + AbiRig.CommandBytes - (ulong)random.Next(80) };
        var bytes = new byte[info.KnownBytes + 16];
        foreach (StructField field in FieldMap.Of(info.Structure!))
            field.Write(bytes, Value(random, field));
        if (info.Structure == typeof(IommuTest))
        {
            BitConverter.TryWriteBytes(bytes.AsSpan(4), (uint)random.Next(1, 24));
            for (int at = IommuTest.UnionOffset; at < 64; at += 8)
                BitConverter.TryWriteBytes(bytes.AsSpan(at), random.Next(3) == 0 ? (uint)random.Next(8) : Number(random));
        }
        uint size = random.Next(20) switch { 0 => (uint)random.Next(info.KnownBytes + 16), 1 => (uint)info.MinBytes, _ => (uint)info.KnownBytes };
        BitConverter.TryWriteBytes(bytes, size);
        if (random.Next(10) != 0)
            bytes.AsSpan(info.KnownBytes).Clear();
        rig.Caller.TryWrite(AbiRig.Command, bytes);
        return AbiRig.Command;
    }

    private static ulong Value(Random random, StructField field) => field.Name switch
    {
        _ when field.Name.StartsWith("__", StringComparison.Ordinal) => random.Next(60) == 0 ? 1u : 0u,
        _ when field.Name.EndsWith("_id", StringComparison.Ordinal) || field.Name == "id" => random.Next(40) == 0 ? uint.MaxValue : (uint)random.Next(9),
        "flags" => (uint)random.Next(9),
        _ when field.Name.EndsWith("fd", StringComparison.Ordinal) => (uint)random.Next(8, 20),
        "op" or "type" or "data_type" => random.Next(3) switch { 0 => 0xdeadbeefu, 1 => 0xdeadu, _ => (uint)random.Next(3) },
        "num_iovas" or "entry_num" => (uint)random.Next(4),
        "data_len" or "entry_len" => (uint)random.Next(3) * 4,
        "page_size" => 1ul << random.Next(9, 14),
        _ => Number(random),
    };

    private static ulong Number(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => AbiRig.Buffer + ((ulong)random.Next(16) << 11),
        2 => AbiRig.Command + 0x8000,
        3 => 0x100_0000 + ((ulong)random.Next(64) << 11),
        4 or 5 => (ulong)random.Next(1, 16) << 11,
        6 => (ulong)random.NextInt64(),
        _ => ulong.MaxValue - (ulong)random.Next(3),
    };

    private static void CheckDomains(IommufdContext context)
    {
        foreach (Ioas ioas in context.Objects.All.OfType<Ioas>())
        {
            AreaTree<IopArea> areas = ioas.Pagetable.Areas;
            foreach (HwptPaging hwpt in ioas.Hwpts)
            {
                ulong after = 0;
                for (int slot = areas.First; slot >= 0; slot = areas.Next(slot))
                {
                    IovaRange range = areas.Range(slot);
                    Assert.True(hwpt.Domain.TryTranslate(range.Start, out _), $"{range} of IOAS {ioas.Id} is missing from hw_pagetable {hwpt.Id}.");
                    Assert.True(hwpt.Domain.TryTranslate(range.Last, out _));
                    if (after < range.Start)
                        Assert.False(hwpt.Domain.TryTranslate(range.Start - 1, out _), $"hw_pagetable {hwpt.Id} has something before {range}.");
                    after = range.Last + 1;
                }
            }
        }
    }
}
