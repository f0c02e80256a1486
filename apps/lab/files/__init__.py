"""The files that a guarded fabric is made of, as the lab makes and reads them.

Template disks are real disks: VHDX, GPT, FAT, the boot sector and metadata of BitLocker. How
Windows writes catalogs (VSC) and shielding data (PDK, FSK) is not public: the lab has containers
of its own, named as such in their first line, with real certificates, signatures and encryption.
"""
