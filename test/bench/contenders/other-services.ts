/** Of the services that exist only to have routes. */
export const ROUTES_PER_SERVICE = 10;
