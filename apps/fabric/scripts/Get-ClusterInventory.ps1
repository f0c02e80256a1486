# What the cluster service knows: nodes, roles of virtual machines, shared volumes, health faults.
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$cluster = Get-Cluster
$interfaces = @(Get-ClusterNetworkInterface)
$nodes = @(Get-ClusterNode | ForEach-Object {
    $node = $_
    @{
        name = [string]$node.Name
        fqdn = '{0}.{1}' -f $node.Name, $cluster.Domain
        state = [string]$node.State
        drain = [string]$node.DrainStatus
        addresses = @($interfaces | Where-Object { [string]$_.Node -eq [string]$node.Name } |
            ForEach-Object { [string]$_.Address })
    }
})

# One query gives the GUID of every clustered virtual machine; a role's own object does not hold it.
$machines = @{}
Get-CimInstance -Namespace 'root/MSCluster' -ClassName 'MSCluster_Resource' -Filter "Type='Virtual Machine'" |
    ForEach-Object { $machines[[string]$_.OwnerGroup] = ([string]$_.PrivateProperties.VmID).ToLowerInvariant() }
$groups = @(Get-ClusterGroup | Where-Object { [string]$_.GroupType -eq 'VirtualMachine' } | ForEach-Object {
    @{
        name = [string]$_.Name
        vm_id = $machines[[string]$_.Name]
        owner_node = [string]$_.OwnerNode
        state = [string]$_.State
    }
})

$volumes = @(Get-ClusterSharedVolume | ForEach-Object {
    $volume = $_
    foreach ($part in $volume.SharedVolumeInfo) {
        $path = [string]$part.FriendlyVolumeName
        @{
            name = $path.Substring($path.LastIndexOf('\') + 1)
            path = $path
            owner_node = [string]$volume.OwnerNode
            state = [string]$volume.State
            file_system = [string]$part.Partition.FileSystem
            size_bytes = [long]$part.Partition.Size
            free_bytes = [long]$part.Partition.FreeSpace
        }
    }
})

$severities = @{ '4' = 'Information'; '5' = 'Warning'; '6' = 'Critical' }
$storage = @(Get-StorageSubSystem -FriendlyName 'Clustered*' -ErrorAction SilentlyContinue)
$faults = @(if ($storage.Count -gt 0) {
    Debug-StorageSubSystem -StorageSubSystemFriendlyName $storage[0].FriendlyName | ForEach-Object {
        $severity = [string]$_.PerceivedSeverity
        if ($severities.ContainsKey($severity)) { $severity = $severities[$severity] }
        @{
            id = [string]$_.FaultId
            type = [string]$_.FaultType
            severity = $severity
            reason = [string]$_.Reason
            object = [string]$_.FaultingObjectDescription
            location = [string]$_.FaultingObjectLocation
            actions = @($_.RecommendedActions | ForEach-Object { [string]$_ })
            time = ([datetime]$_.EventTime).ToUniversalTime().ToString('s') + 'Z'
        }
    }
})

ConvertTo-Json -Compress -Depth 8 -InputObject @{
    cluster = @{ name = [string]$cluster.Name; domain = [string]$cluster.Domain }
    nodes = $nodes
    groups = $groups
    volumes = $volumes
    faults = $faults
}
